-- Of one model's calls of unknown cost in a stretch of time: how many, of how many no tokens are known, the last one.
select count(*), coalesce(sum(input_tokens is null and output_tokens is null), 0), max(calls.started_at)
  from (select id, started_at
          from calls indexed by calls_unpriced
         where cost is null and started_at >= ?1 and started_at < ?2 and model_id is ?3
         order by started_at desc
         limit 1000) as late
 cross join calls on calls.id = late.id
