-- The calls of these ids as they are listed; bound: a JSON array of ids.
select calls.id, call_id, started_at,
       models.name, requested.name, keys.name, groups.name, types.name, upstreams.name,
       status, outcome, streamed, error_type, error_code, error_message,
       duration, first_token, overhead,
       tokens_source, total_tokens, input_tokens, output_tokens,
       case when coalesce(cache_read, cache_read_audio, cache_read_image) is not null
            then coalesce(cache_read, 0) + coalesce(cache_read_audio, 0) + coalesce(cache_read_image, 0) end,
       case when coalesce(cache_write_5m, cache_write_1h) is not null
            then coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0) end,
       reasoning,
       cost, cost_state, calls.usage, user, session, tags, repeats
  from calls
  join types                    on types.id     = calls.type_id
  left join groups              on groups.id    = calls.group_id
  left join models              on models.id    = calls.model_id
  left join models as requested on requested.id = calls.requested_model_id
  left join keys                on keys.id      = calls.key_id
  left join upstreams           on upstreams.id = calls.upstream_id
 where calls.id in (select value from json_each(?))
