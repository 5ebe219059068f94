-- What arrived in the book after one row up to another, by what metrics are kept by. Bound: the two rows.
select coalesce(upstreams.name, 'none'), types.name, models.name, requested.name, groups.name, outcome,
       case when status is null then 'none' else (status / 100) || 'xx' end,
       count(*), sum(failed),
       sum(input_tokens), sum(output_tokens),
       sum(cache_read), sum(cache_read_audio), sum(cache_read_image), sum(cache_write_5m), sum(cache_write_1h),
       sum(reasoning), sum(input_tokens is null and output_tokens is null), sum(tokens_source = 'estimated'),
       sum(cost), sum(cost is null), sum(usage),
       /*histograms*/
  from calls
  join types                        on types.id     = calls.type_id
  join groups                       on groups.id    = calls.group_id
  left join models                  on models.id    = calls.model_id
  left join models as requested     on requested.id = calls.requested_model_id
  left join upstreams               on upstreams.id = calls.upstream_id
 where calls.id > ? and calls.id <= ?
 group by calls.upstream_id, calls.type_id, calls.model_id, calls.requested_model_id, calls.group_id, outcome,
          case when status is null then 'none' else (status / 100) || 'xx' end
