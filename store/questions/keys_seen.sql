-- Every key with each group it was in: how many calls, the first and the last.
select combinations.key_id, keys.name, groups.name, sum(calls), min(first_at), max(last_at)
  from combinations
  left join keys   on keys.id   = combinations.key_id
  left join groups on groups.id = combinations.group_id
 group by combinations.key_id, combinations.group_id
 order by max(last_at) desc
