-- Models with calls of unknown cost, at each upstream, and the last day of such calls.
select day_models.model_id, models.name, day_models.upstream_id, upstreams.name, sum(unknown_cost_calls), max(day)
  from day_models
  left join models    on models.id    = day_models.model_id
  left join upstreams on upstreams.id = day_models.upstream_id
 where unknown_cost_calls > 0
 group by day_models.model_id, day_models.upstream_id
 order by 5 desc, models.name, upstreams.name
 limit /*most*/
