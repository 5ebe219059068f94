-- The two bodies of one call; bound: its number and its public id.
select request_headers, request, request_head, response_headers, response, response_head
  from bodies.bodies
 where id = ? and call_id = ?
