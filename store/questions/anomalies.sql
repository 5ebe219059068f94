-- The newest calls with anomalies, one row for each anomaly; bound: how many calls.
select value, count(*), max(started_at)
  from (select started_at, anomalies
          from calls indexed by calls_odd
         where anomalies is not null
         order by started_at desc
         limit ?) as odd,
       json_each(odd.anomalies)
 group by value
 order by 2 desc, value
