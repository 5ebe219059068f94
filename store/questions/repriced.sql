-- What a call said of its cost before each repricing that changed it, oldest first; bound: its number.
select began_at, who, cost, cost_state, repriced.usage, cost_lines, cost_missing, price_source, price_entry,
       price_since, cache_saved
  from repriced
  join repricings on repricings.id = repriced.repricing
 where repriced.call = ?
 order by repriced.repricing
