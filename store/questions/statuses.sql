-- Every status that some call has, found by leaping through the index from one to the next; NULL if some has none.
with recursive found (status) as (
    select min(status) from calls indexed by calls_by_status where status is not null
    union all
    select (select min(status) from calls indexed by calls_by_status where status > found.status)
      from found where found.status is not null
)
select status from found where status is not null
union all
select null where exists (select 1 from calls indexed by calls_by_status where status is null)
