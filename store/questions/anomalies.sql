-- The newest calls with anomalies, one row for each anomaly; bound: how many calls. Few different lists of names occur.
select value, sum(calls), min(first_at), max(last_at)
  from (select anomalies, sum(1 + repeats) as calls, min(started_at) as first_at, max(started_at) as last_at
          from (select started_at, anomalies, repeats
                  from calls indexed by calls_odd
                 where anomalies is not null
                 order by started_at desc
                 limit ?)
         group by anomalies) as odd,
       json_each(odd.anomalies)
 group by value
 order by 2 desc, value
