-- How far back the newest calls of one way through the calls reach; bound at the end: at most how many to look at.
select count(*), min(started_at), max(started_at)
  from (select started_at from calls /*index*/ where /*conditions*/ order by started_at desc limit ?)
