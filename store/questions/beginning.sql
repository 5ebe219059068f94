-- When the first call of the book was received, to the quarter hour: found at its end of the key.
select min(quarter) from quarter_models
