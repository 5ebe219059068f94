-- Whether the book has calls outside of a time; bound: its start and its end, NULL where it is open.
select 1
  from combinations
 where first_at < ?1 or last_at >= ?2
 limit 1
