-- When the first and the last call of the book were received, each found at its end of the index.
select (select min(started_at) from calls indexed by calls_by_time),
       (select max(started_at) from calls indexed by calls_by_time)
