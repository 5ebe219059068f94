-- Sums of every key from a day on; bound: the day.
select key_id,
       sum(calls), sum(errors),
       sum(input_tokens), sum(output_tokens), sum(input_told), sum(output_told), sum(untold_calls),
       sum(estimated_calls),
       sum(cost), sum(unknown_cost_calls), sum(estimated_cost_calls), sum(usage), sum(usage_told)
  from day_keys
 where day >= ?
 group by key_id
