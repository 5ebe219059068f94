-- Sums over calls, by groups, in some stretches of time. The two histograms come as lists of bucket numbers.
select stretch.key, /*groups*/
       count(*) + sum(repeats), coalesce(sum(failed * (1 + repeats)), 0),
       coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
       coalesce(sum(cache_read), 0) + coalesce(sum(cache_read_audio), 0) + coalesce(sum(cache_read_image), 0),
       coalesce(sum(cache_write_5m), 0) + coalesce(sum(cache_write_1h), 0),
       coalesce(sum(reasoning), 0),
       count(input_tokens), count(output_tokens),
       count(coalesce(cache_read, cache_read_audio, cache_read_image)),
       count(coalesce(cache_write_5m, cache_write_1h)),
       count(reasoning),
       coalesce(sum(1 + repeats) filter (where input_tokens is null and output_tokens is null), 0),
       count(coalesce(input_tokens, output_tokens)) filter (where tokens_source = 'estimated'),
       coalesce(sum(input_tokens) filter (where tokens_source = 'estimated'), 0),
       coalesce(sum(output_tokens) filter (where tokens_source = 'estimated'), 0),
       coalesce(sum(cost), 0), coalesce(sum(1 + repeats) filter (where cost is null), 0),
       coalesce(sum(cost) filter (where cost_state = 'reported'), 0),
       coalesce(sum(1 + repeats) filter (where cost_state = 'reported'), 0),
       coalesce(sum(cost) filter (where cost_state = 'estimated'), 0),
       coalesce(sum(1 + repeats) filter (where cost_state = 'estimated'), 0),
       coalesce(sum(1 + repeats) filter (where cost_state = 'free'), 0),
       coalesce(sum(usage), 0), coalesce(sum(1 + repeats) filter (where usage is not null), 0),
       coalesce(sum(cache_saved), 0), count(cache_saved),
       /*histograms*/
  from json_each(?) as stretch
 cross join calls /*index*/
    on started_at >= json_extract(stretch.value, '$[0]') and started_at < json_extract(stretch.value, '$[1]')
 where /*conditions*/
 group by /*numbers*/
