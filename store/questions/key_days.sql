-- Calls of every key on each day from a day on; bound: the day.
select keys.name, day, sum(calls)
  from day_keys
  left join keys on keys.id = key_id
 where day >= ?
 group by key_id, day
