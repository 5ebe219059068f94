-- What was used in whole days; bound: from, to (days since the epoch).
select /*of*/, sum(usage), sum(calls - errors)
  from day_keys
 where day >= ? and day < ? and usage > 0
 group by 1
