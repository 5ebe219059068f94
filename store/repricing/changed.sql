-- What a repricing changed, right after it: before and after, a page of calls; bound: its id, the call before, how many.
select repriced.call, models.name, keys.name, started_at, 1 + repeats,
       repriced.cost, repriced.cost_state, repriced.usage, calls.cost, calls.cost_state, calls.usage
  from repriced
  join calls       on calls.id  = repriced.call
  left join models on models.id = calls.model_id
  left join keys   on keys.id   = calls.key_id
 where repriced.repricing = ? and repriced.call > ?
 order by repriced.call
 limit ?
