-- What was used in whole hours; bound: from, to (hours since the epoch).
select /*of*/, sum(usage), sum(calls - errors)
  from hour_keys
 where hour >= ? and hour < ? and usage > 0
 group by 1
