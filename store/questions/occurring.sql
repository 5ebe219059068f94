-- The values of one dimension in combinations that fit: all calls with that value, those that fit, and when they were.
select /*column*/, sum(calls), sum(iif(fits, calls, 0)), min(iif(fits, first_at, null)), max(iif(fits, last_at, null))
  from (select *, /*fits*/ as fits from combinations)
 group by 1
having max(fits)
