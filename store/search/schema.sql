-- search.db: which words are in which call. Derived from the book and its bodies; may be deleted, and is made anew.
--
-- The words are on shelves: one contentless FTS5 table, words_NUMBER, for so many calls, whose rowid is calls.id and
-- whose columns are what was asked and what was answered. A shelf is never changed after the next one is begun, and is
-- dropped as a whole when its calls are forgotten: this FTS5 cannot delete from a table without the text.

create table shelves (
    number   integer primary key,
    first_id integer not null,                                 -- calls.id of the first and last call on it
    last_id  integer not null,
    oldest   integer not null,                                 -- started_at of the oldest and newest call on it
    newest   integer not null,
    calls    integer not null,
    size     integer not null,                                 -- characters
    merged   integer not null default 0 check (merged in (0, 1))  -- all of it is in one piece, for quick reading
) strict;

create table progress (                                        -- one row
    last_id  integer not null,                                 -- every call up to this id was looked at
    call_id  blob,                                             -- its public id: whether this is the same book
    newest   integer                                           -- started_at of the newest of them
) strict;

insert into progress values (0, null, null);

pragma user_version = 1;
