-- Completed calls of one model, type and way of answering at one side of a moment, nearest first.
-- Only so many calls of the model are looked at: a type that is rare for it must not send us through all of them.
select duration, asked, answered, first_token, overhead, pause, held, uploaded, input_tokens, output_tokens
  from (select id, type_id, failed
          from calls indexed by calls_by_model
         where model_id = ?1 and started_at /*side*/
         order by started_at /*order*/
         limit 5000) as near
 cross join calls on calls.id = near.id
 where near.type_id = ?3 and near.failed = 0 and streamed = ?4 and outcome = 'completed'
 limit ?5
