-- What was used by the calls themselves in less than two hours; bound: from, to (microseconds).
select coalesce(/*of*/, 0), sum(usage)
  from calls indexed by calls_by_time
 where started_at >= ? and started_at < ? and usage is not null
 group by 1
