-- The first and the last quarter hour of the book, each found at its end of the key.
select (select min(quarter) from quarter_models), (select max(quarter) from quarter_models)
