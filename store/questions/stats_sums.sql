-- The same sums, out of the sums kept beside the calls. The two histograms come packed, in hexadecimal.
select stretch.key, /*groups*/
       sum(calls), sum(errors),
       sum(input_tokens), sum(output_tokens),
       sum(cache_read),
       sum(cache_write),
       sum(reasoning),
       sum(input_told), sum(output_told),
       sum(cache_read_told),
       sum(cache_write_told),
       sum(reasoning_told),
       sum(untold_calls),
       sum(estimated_calls), sum(estimated_input), sum(estimated_output),
       sum(cost), sum(unknown_cost_calls),
       sum(reported_cost), sum(reported_cost_calls),
       sum(estimated_cost), sum(estimated_cost_calls),
       sum(free_calls),
       sum(usage), sum(usage_told),
       sum(cache_saved), sum(cache_saved_told),
       /*histograms*/
  from json_each(?) as stretch
 cross join /*table*/
    on /*time*/ >= json_extract(stretch.value, '$[0]') and /*time*/ < json_extract(stretch.value, '$[1]')
 where /*conditions*/
 group by /*numbers*/
