-- How large the files were at the end of each day; bound: the first day.
select day, book, bodies, search
  from sizes
 where day >= ?
 order by day
