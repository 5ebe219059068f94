-- How many calls each group has, in some stretches of time.
select stretch.key, /*groups*/ count(*) + sum(repeats), null, null
  from json_each(?) as stretch
 cross join calls /*index*/
    on started_at >= json_extract(stretch.value, '$[0]') and started_at < json_extract(stretch.value, '$[1]')
 where /*conditions*/
 group by /*numbers*/
