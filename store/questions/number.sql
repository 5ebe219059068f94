-- The number of one call; bound: the public id.
select id from calls where call_id = ?
