-- What of one call tells its pace, and whom to compare it with; bound: the call's number.
select started_at, model_id, type_id, key_id, request_bytes,
       duration, asked, answered, first_token, overhead, pause, held, uploaded, input_tokens, output_tokens,
       streamed, outcome, status, failed
  from calls
 where id = ?
