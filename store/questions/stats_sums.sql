-- The same sums, out of the sums kept beside the calls. The two histograms come as JSON arrays of histograms.
select /*groups*/
       coalesce(sum(calls), 0), coalesce(sum(errors), 0),
       coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
       coalesce(sum(cache_read), 0),
       coalesce(sum(cache_write), 0),
       coalesce(sum(reasoning), 0),
       coalesce(sum(input_told), 0), coalesce(sum(output_told), 0),
       coalesce(sum(cache_read_told), 0),
       coalesce(sum(cache_write_told), 0),
       coalesce(sum(reasoning_told), 0),
       coalesce(sum(untold_calls), 0),
       coalesce(sum(estimated_calls), 0),
       coalesce(sum(cost), 0), coalesce(sum(unknown_cost_calls), 0), coalesce(sum(usage), 0),
       coalesce(sum(usage_told), 0),
       coalesce(sum(cache_saved), 0), coalesce(sum(cache_saved_told), 0),
       '[' || group_concat(durations) || ']', '[' || group_concat(first_tokens) || ']'
  from /*table*/
 where /*conditions*/
