-- The ids between two, in order, at most so many; the index of their uniqueness serves it.
select call_id
  from calls
 where call_id between ? and ?
 order by call_id
 limit ?
