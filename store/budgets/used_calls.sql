-- What was used by the calls themselves in less than two hours; bound: from, to (microseconds).
select coalesce(/*of*/, 0), sum(usage), count(*)
  from calls indexed by calls_by_time
 where started_at >= ? and started_at < ? and usage > 0
 group by 1
