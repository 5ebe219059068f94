-- How many calls have each combination of the five dimensions.
select coalesce(model_id, 0), coalesce(key_id, 0), coalesce(group_id, 0), coalesce(type_id, 0), coalesce(upstream_id, 0),
       /*calls*/
  from /*table*/
 where /*conditions*/
 group by 1, 2, 3, 4, 5
