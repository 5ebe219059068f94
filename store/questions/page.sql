-- Which calls are on a page, in its order: one way through the calls.
select id, /*value*/ as value
  from calls
 where /*conditions*/
 order by /*order*/
 limit ?
