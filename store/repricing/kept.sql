-- What is kept of these calls that decides what they cost, and what they say they cost; bound: a JSON array of ids.
select calls.id, started_at,
       coalesce(calls.model_id, 0), coalesce(calls.key_id, 0), calls.group_id, calls.type_id,
       coalesce(calls.upstream_id, 0), repeats,
       types.name, models.name, requested.name, upstreams.name, keys.name, groups.name,
       method, target, status, outcome, streamed, coalesce(error_type, error_code, error_message) is not null, service_tier,
       units, portions, raw_usage,
       tokens_source, input_uncached, cache_read, cache_write_5m, cache_write_1h, input_audio, input_image,
       cache_read_audio, output_text, output_audio, output_image, reasoning, cache_read_image,
       cost, cost_state, cost_lines, cost_missing, price_source, price_entry, price_since, calls.usage, cache_saved,
       anomalies
  from json_each(?) as wanted
 cross join calls              on calls.id     = wanted.value
  join types                   on types.id     = calls.type_id
  join groups                  on groups.id    = calls.group_id
  left join models             on models.id    = calls.model_id
  left join models as requested on requested.id = calls.requested_model_id
  left join keys               on keys.id      = calls.key_id
  left join upstreams          on upstreams.id = calls.upstream_id
