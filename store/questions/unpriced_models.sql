-- Models with calls of unknown cost, and the last day of such calls.
select model_id, models.name, sum(unknown_cost_calls), max(day), sum(calls)
  from day_models
  left join models on models.id = day_models.model_id
 where unknown_cost_calls > 0
 group by model_id
 order by 3 desc, models.name
 limit 100
