-- The two bodies of one call; bound: its number and its public id.
select request_headers, request_size, request_cut, response_headers, response_size, response_cut, content
  from bodies.bodies
 where id = ? and call_id = ?
