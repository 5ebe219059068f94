-- Latency histograms of some models, day by day, the newest first. Bound: JSON arrays of names and of days.
-- Each day and model is one step into the key: nothing else of the table is read.
select models.name, day_models.calls, day_models.durations
  from json_each(?1) as wanted
 cross join models on models.name = wanted.value
 cross join json_each(?2) as days
 cross join day_models on day_models.day = days.value and day_models.model_id = models.id
 order by days.value desc
