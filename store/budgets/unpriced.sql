-- Models of the newest calls of unknown cost that were answered in full; bound: how many calls to look at.
select upstreams.name, requested.name, models.name
  from (select started_at, id from calls indexed by calls_unpriced where cost is null order by started_at desc limit ?)
       as late
  join calls               on calls.id     = late.id
  join upstreams           on upstreams.id = calls.upstream_id
  join models              on models.id    = calls.model_id
  join models as requested on requested.id = calls.requested_model_id
 where calls.outcome = 'completed' and calls.tokens_source <> 'none'
 group by upstreams.name, requested.name, models.name
 order by max(late.started_at)
