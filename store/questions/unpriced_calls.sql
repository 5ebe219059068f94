-- The calls of unknown cost in a stretch of time, put together by model, upstream and what is missing: how many, their
-- tokens, the first and the last, and which kinds were counted. "told" are those whose counts would do for a price.
select coalesce(model_id, 0), coalesce(upstream_id, 0), cost_missing,
       input_tokens is not null
           or (output_tokens is not null
               and type_id not in (select id from types where name in ('chat', 'completion')))
           or units is not null                                                                      as told,
       sum(1 + repeats), sum(input_tokens), sum(output_tokens), min(started_at), max(started_at),
       max(input_uncached > 0), max(cache_read > 0), max(cache_write_5m > 0), max(cache_write_1h > 0),
       max(input_audio > 0), max(input_image > 0), max(cache_read_audio > 0), max(cache_read_image > 0),
       max(output_text > 0), max(output_audio > 0), max(output_image > 0),
       max(units glob '*"images"*'), max(units glob '*"seconds"*'), max(units glob '*"characters"*'),
       max(units glob '*"pages"*'), max(units glob '*"search_units"*'), max(units glob '*"web_searches"*'),
       max(units glob '*"file_searches"*')
  from calls indexed by calls_unpriced
 where /*conditions*/
 group by 1, 2, 3, 4
