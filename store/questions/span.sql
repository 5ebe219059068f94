-- The first and the last quarter hour of the book, each found at its end of the key; and from when on all rows are there.
select (select min(quarter) from quarter_models), (select max(quarter) from quarter_models),
       (select value from counters where name = 'calls_from')
