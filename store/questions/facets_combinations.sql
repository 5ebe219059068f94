-- How many calls each combination of the five dimensions ever had.
select model_id, key_id, group_id, type_id, upstream_id, calls
  from combinations
