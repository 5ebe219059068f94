-- Calls of the same key, model and request size that failed in the time before a call: how many, and the first of them.
select count(*), min(lately.started_at)
  from (select id, started_at, model_id, key_id
          from calls indexed by calls_failed
         where failed = 1 and started_at >= ?1 and started_at < ?2
         order by started_at desc
         limit 5000) as lately
 cross join calls on calls.id = lately.id
 where lately.model_id is ?3 and lately.key_id is ?4 and request_bytes = ?5
