-- Which calls are on a page, in its order: one way through the calls.
select id, /*value*/ as value
  from calls /*index*/
 where /*conditions*/
 order by /*order*/
 limit ?
