-- What one call adds to its row in a list; bound: the public id.
select id, boot_id, seq, dialect, method, target, client, user_agent,
       upstream_request_id, finish_reason, fault, service_tier, anomalies, raw_usage,
       input_uncached, cache_read, cache_write_5m, cache_write_1h, input_audio, input_image, cache_read_audio,
       cache_read_image, output_text, output_audio, output_image,
       units, cost_lines, cost_missing, price_source, price_entry, price_since, cache_saved,
       asked, answered, first_token, duration, overhead, pause, held, uploaded,
       status, request_bytes, response_bytes, sent_bytes
  from calls
 where call_id = ?
