-- Calls the index has not seen, in the order of their arrival, with their bodies; bound: the last id, and how many.
select calls.id, calls.call_id, started_at, dialect, method, target, status, error_type, error_code, error_message,
       kept.request_headers, kept.request_size, kept.request_cut,
       kept.response_size, kept.response_cut, kept.content
  from calls
  left join bodies.bodies as kept on kept.id = calls.id and kept.call_id = calls.call_id
 where calls.id > ?
 order by calls.id
 limit ?
