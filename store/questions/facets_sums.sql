-- The same numbers, out of the sums kept beside the calls.
select stretch.key, /*groups*/ sum(calls), null, null
  from json_each(?) as stretch
 cross join /*table*/
    on /*time*/ >= json_extract(stretch.value, '$[0]') and /*time*/ < json_extract(stretch.value, '$[1]')
 where /*conditions*/
 group by /*numbers*/
