-- The book: one row per call, sums beside it, and where the reading of the journal stands.
--
-- Money is whole nano-dollars, usage whole micro-credits, durations whole microseconds, times microseconds since
-- the epoch in UTC. Unknown is NULL, never 0. Only the store process writes here; read with any SQLite tool,
-- starting from the views at the end. Bodies are in a second file, bodies.db (its schema is the last section).

-- ---------------------------------------------------------------------------------------------- names
-- What people filter by, once each, so that lists of values never scan the calls.

create table models    (id integer primary key, name text not null unique) strict;
create table keys      (id integer primary key, name text not null unique) strict;
create table groups    (id integer primary key, name text not null unique) strict;
create table types     (id integer primary key, name text not null unique) strict;
create table upstreams (id integer primary key, name text not null unique) strict;

-- ---------------------------------------------------------------------------------------------- calls

create table calls (
    id                  integer primary key,                   -- order of arrival in the book
    call_id             blob    not null unique check (length(call_id) = 16),  -- UUIDv7, the public id
    boot_id             text    not null,                      -- the run of the worker that relayed it
    seq                 integer not null,                      -- its number within that run
    started_at          integer not null,                      -- when the request was received
    upstream_id         integer references upstreams,          -- NULL: the path named none
    dialect             text    not null,
    type_id             integer not null references types,
    model_id            integer references models,             -- that answered, else that was asked for
    requested_model_id  integer references models,
    key_id              integer references keys,               -- NULL: no credential presented
    group_id            integer not null references groups,
    method              text    not null,
    target              text    not null,                      -- path and query, secrets redacted
    client              text    not null,
    user_agent          text,

    status              integer check (status between 100 and 999),  -- NULL: no header was sent
    -- In these lists the usual value comes first, alone: SQLite sorts a list anew for every row it is asked about.
    outcome             text    not null check (outcome = 'completed' or outcome in ('client_left', 'upstream_unreachable',
                            'upstream_timed_out', 'upstream_broke_off', 'rejected', 'interrupted')),
    failed              integer not null check (failed in (0, 1)),   -- counts as an error
    fault               text    check (fault is null or fault in ('client', 'policy', 'upstream', 'proxy')),
    error_type          text,
    error_code          text,
    error_message       text,
    streamed            integer not null check (streamed in (0, 1)),
    finish_reason       text,
    upstream_request_id text,
    service_tier        text,

    duration            integer check (duration >= 0),         -- to the end of the answer; NULL: we died meanwhile
    asked               integer check (asked >= 0),            -- from receipt to the request upstream
    answered            integer check (answered >= 0),         -- from receipt to the upstream's headers
    first_token         integer check (first_token >= 0),      -- from receipt to the first piece of the answer
    overhead            integer check (overhead >= 0),         -- spent inside Tollbook
    pause               integer,                               -- the longest silence within the answer
    held                integer,                               -- how long the answer waited for the client to take it
    uploaded            integer,                               -- from receipt to the end of a request passed on as it came
    duration_bucket     integer,                               -- of the latency histogram (store/histogram.py)
    first_token_bucket  integer,

    tokens_source       text    not null check (tokens_source = 'reported' or tokens_source in ('estimated', 'none')),
    input_uncached      integer check (input_uncached >= 0),   -- buckets do not overlap; NULL: not told apart
    cache_read          integer check (cache_read >= 0),
    cache_write_5m      integer check (cache_write_5m >= 0),
    cache_write_1h      integer check (cache_write_1h >= 0),
    input_audio         integer check (input_audio >= 0),
    input_image         integer check (input_image >= 0),
    cache_read_audio    integer check (cache_read_audio >= 0),
    cache_read_image    integer check (cache_read_image >= 0),
    output_text         integer check (output_text >= 0),      -- reasoning included
    output_audio        integer check (output_audio >= 0),
    output_image        integer check (output_image >= 0),
    reasoning           integer check (reasoning >= 0),        -- of which; in no sum
    input_tokens        integer,                               -- sums of the buckets above
    output_tokens       integer,
    total_tokens        integer,
    units               text,                                  -- JSON object: what is billed by other than tokens
    portions            text,                                  -- JSON array: what other models did within the call
    raw_usage           text,                                  -- the provider's own object

    cost                integer,                               -- nano-USD
    cost_state          text    not null check (cost_state = 'priced' or cost_state = 'reported'
                            or cost_state in ('estimated', 'free') or cost_state = 'unknown'),
    cost_lines          text,                                  -- JSON: [[kind, count, rate, usd, per_unit], ...]
    cost_missing        text,                                  -- what an unknown cost lacks (store/pricing/missing.py)
    price_source        text,
    price_entry         text,
    price_since         text,
    usage               integer,                               -- micro-credits; known without a cost by a fallback rate
    cache_saved         integer,                               -- nano-USD that caching of the prompt spared; NULL: unknown

    user                text,                                  -- the client's own labels
    session             text,
    tags                text,                                  -- JSON object
    anomalies           text,                                  -- JSON array of names

    request_bytes       integer not null,
    response_bytes      integer not null,
    sent_bytes          integer not null,
    repeats             integer not null default 0,            -- refusals like this one that have no row of their own

    check ((cost is null) = (cost_state = 'unknown'))
) strict;

-- Each serves "newest first" under one filter. Those of the five dimensions carry the other four along, so that a pair
-- of filters is decided inside the index, without looking at the row; and the repeats, so that calls are counted there.
create index calls_by_time     on calls (started_at);
create index calls_by_model    on calls (model_id, started_at, key_id, group_id, type_id, upstream_id, failed, repeats);
create index calls_by_key      on calls (key_id, started_at, model_id, group_id, type_id, upstream_id, failed, repeats);
create index calls_by_group    on calls (group_id, started_at, model_id, key_id, type_id, upstream_id, failed, repeats);
create index calls_by_type     on calls (type_id, started_at, model_id, key_id, group_id, upstream_id, failed, repeats);
create index calls_by_upstream on calls (upstream_id, started_at, model_id, key_id, group_id, type_id, failed, repeats);
create index calls_by_status   on calls (status, started_at, model_id, key_id, group_id, type_id, upstream_id, repeats);
-- Partial: what is rare, or what not every client tells. These carry status and failed as well.
create index calls_failed      on calls (started_at, model_id, key_id, group_id, type_id, upstream_id, failed, status, outcome, repeats)
    where failed = 1;
create index calls_by_outcome  on calls (outcome, started_at, model_id, key_id, group_id, type_id, upstream_id, failed, status, repeats)
    where outcome <> 'completed';
create index calls_by_user     on calls (user, started_at, model_id, key_id, group_id, type_id, upstream_id, failed, status, repeats)
    where user is not null;
create index calls_by_session  on calls (session, started_at, model_id, key_id, group_id, type_id, upstream_id, failed, status, repeats)
    where session is not null;
create index calls_odd         on calls (started_at, anomalies, repeats) where anomalies is not null;
create index calls_unpriced    on calls (started_at, model_id) where cost is null;

-- ---------------------------------------------------------------------------------------------- sums
-- Written in the same transaction as the rows they sum, so they always agree; kept when old calls are pruned.
-- A row with repeats is so many calls more in `calls`, `errors`, `untold_calls` and the calls of its cost's state.
-- Ids are 0 for "none". `durations` and `first_tokens` are latency histograms, packed (store/histogram.py says how).
--
-- One table over everything would be as long as the log. What belongs together is summed together: a call's model
-- says much about its type and upstream, its key about its group. Fine in time there are these two families only, so
-- that the days of every time zone can be put together from them; by UTC day there is also one table over all five.

create table quarter_models (
    quarter             integer not null,                      -- started_at / 15 minutes
    model_id            integer not null,
    type_id             integer not null,
    upstream_id         integer not null,
    calls               integer not null,
    errors              integer not null,
    input_tokens        integer not null,
    output_tokens       integer not null,
    cache_read          integer not null,
    cache_write         integer not null,
    reasoning           integer not null,
    input_told          integer not null,                      -- calls that told this count; 0: it is unknown
    output_told         integer not null,
    cache_read_told     integer not null,
    cache_write_told    integer not null,
    reasoning_told      integer not null,
    untold_calls        integer not null,                      -- calls whose tokens nobody told
    estimated_calls     integer not null,                      -- calls whose tokens are estimates
    estimated_input     integer not null,                      -- of input_tokens, those of these calls
    estimated_output    integer not null,
    cost                integer not null,
    unknown_cost_calls  integer not null,
    reported_cost       integer not null,                      -- of cost: the provider said it
    reported_cost_calls integer not null,
    estimated_cost      integer not null,                      -- of cost: priced from estimated tokens
    estimated_cost_calls integer not null,
    free_calls          integer not null,                      -- what is left of cost, and of calls, is priced
    usage               integer not null,
    usage_told          integer not null,
    cache_saved         integer not null,
    cache_saved_told    integer not null,
    durations           blob    not null,
    first_tokens        blob    not null,
    primary key (quarter, model_id, type_id, upstream_id)
) strict, without rowid;

create table hour_models (
    hour                integer not null,                      -- started_at / 1 hour
    model_id            integer not null,
    type_id             integer not null,
    upstream_id         integer not null,
    calls               integer not null,
    errors              integer not null,
    input_tokens        integer not null,
    output_tokens       integer not null,
    cache_read          integer not null,
    cache_write         integer not null,
    reasoning           integer not null,
    input_told          integer not null,
    output_told         integer not null,
    cache_read_told     integer not null,
    cache_write_told    integer not null,
    reasoning_told      integer not null,
    untold_calls        integer not null,
    estimated_calls     integer not null,
    estimated_input     integer not null,
    estimated_output    integer not null,
    cost                integer not null,
    unknown_cost_calls  integer not null,
    reported_cost       integer not null,
    reported_cost_calls integer not null,
    estimated_cost      integer not null,
    estimated_cost_calls integer not null,
    free_calls          integer not null,
    usage               integer not null,
    usage_told          integer not null,
    cache_saved         integer not null,
    cache_saved_told    integer not null,
    durations           blob    not null,
    first_tokens        blob    not null,
    primary key (hour, model_id, type_id, upstream_id)
) strict, without rowid;

create table hour_keys (
    hour                integer not null,
    key_id              integer not null,
    group_id            integer not null,
    calls               integer not null,
    errors              integer not null,
    input_tokens        integer not null,
    output_tokens       integer not null,
    cache_read          integer not null,
    cache_write         integer not null,
    reasoning           integer not null,
    input_told          integer not null,
    output_told         integer not null,
    cache_read_told     integer not null,
    cache_write_told    integer not null,
    reasoning_told      integer not null,
    untold_calls        integer not null,
    estimated_calls     integer not null,
    estimated_input     integer not null,
    estimated_output    integer not null,
    cost                integer not null,
    unknown_cost_calls  integer not null,
    reported_cost       integer not null,
    reported_cost_calls integer not null,
    estimated_cost      integer not null,
    estimated_cost_calls integer not null,
    free_calls          integer not null,
    usage               integer not null,
    usage_told          integer not null,
    cache_saved         integer not null,
    cache_saved_told    integer not null,
    durations           blob    not null,
    first_tokens        blob    not null,
    primary key (hour, key_id, group_id)
) strict, without rowid;

create table day_models (
    day                 integer not null,                      -- started_at / 24 hours
    model_id            integer not null,
    type_id             integer not null,
    upstream_id         integer not null,
    calls               integer not null,
    errors              integer not null,
    input_tokens        integer not null,
    output_tokens       integer not null,
    cache_read          integer not null,
    cache_write         integer not null,
    reasoning           integer not null,
    input_told          integer not null,
    output_told         integer not null,
    cache_read_told     integer not null,
    cache_write_told    integer not null,
    reasoning_told      integer not null,
    untold_calls        integer not null,
    estimated_calls     integer not null,
    estimated_input     integer not null,
    estimated_output    integer not null,
    cost                integer not null,
    unknown_cost_calls  integer not null,
    reported_cost       integer not null,
    reported_cost_calls integer not null,
    estimated_cost      integer not null,
    estimated_cost_calls integer not null,
    free_calls          integer not null,
    usage               integer not null,
    usage_told          integer not null,
    cache_saved         integer not null,
    cache_saved_told    integer not null,
    durations           blob    not null,
    first_tokens        blob    not null,
    primary key (day, model_id, type_id, upstream_id)
) strict, without rowid;

create table day_keys (
    day                 integer not null,
    key_id              integer not null,
    group_id            integer not null,
    calls               integer not null,
    errors              integer not null,
    input_tokens        integer not null,
    output_tokens       integer not null,
    cache_read          integer not null,
    cache_write         integer not null,
    reasoning           integer not null,
    input_told          integer not null,
    output_told         integer not null,
    cache_read_told     integer not null,
    cache_write_told    integer not null,
    reasoning_told      integer not null,
    untold_calls        integer not null,
    estimated_calls     integer not null,
    estimated_input     integer not null,
    estimated_output    integer not null,
    cost                integer not null,
    unknown_cost_calls  integer not null,
    reported_cost       integer not null,
    reported_cost_calls integer not null,
    estimated_cost      integer not null,
    estimated_cost_calls integer not null,
    free_calls          integer not null,
    usage               integer not null,
    usage_told          integer not null,
    cache_saved         integer not null,
    cache_saved_told    integer not null,
    durations           blob    not null,
    first_tokens        blob    not null,
    primary key (day, key_id, group_id)
) strict, without rowid;

create table day_sums (
    day                 integer not null,
    model_id            integer not null,
    key_id              integer not null,
    group_id            integer not null,
    type_id             integer not null,
    upstream_id         integer not null,
    calls               integer not null,
    errors              integer not null,
    input_tokens        integer not null,
    output_tokens       integer not null,
    cache_read          integer not null,
    cache_write         integer not null,
    reasoning           integer not null,
    input_told          integer not null,
    output_told         integer not null,
    cache_read_told     integer not null,
    cache_write_told    integer not null,
    reasoning_told      integer not null,
    untold_calls        integer not null,
    estimated_calls     integer not null,
    estimated_input     integer not null,
    estimated_output    integer not null,
    cost                integer not null,
    unknown_cost_calls  integer not null,
    reported_cost       integer not null,
    reported_cost_calls integer not null,
    estimated_cost      integer not null,
    estimated_cost_calls integer not null,
    free_calls          integer not null,
    usage               integer not null,
    usage_told          integer not null,
    cache_saved         integer not null,
    cache_saved_told    integer not null,
    durations           blob    not null,
    first_tokens        blob    not null,
    primary key (day, model_id, key_id, group_id, type_id, upstream_id)
) strict, without rowid;

create index day_sums_by_model on day_sums (model_id, day);
create index day_sums_by_key   on day_sums (key_id, day);
create index day_sums_by_group on day_sums (group_id, day);

-- Which combinations of the five ever occurred: tells a question what it need not look for.
create table combinations (
    model_id            integer not null,
    key_id              integer not null,
    group_id            integer not null,
    type_id             integer not null,
    upstream_id         integer not null,
    calls               integer not null,
    first_at            integer not null,                      -- the earliest started_at among them
    last_at             integer not null,
    primary key (model_id, key_id, group_id, type_id, upstream_id)
) strict, without rowid;

-- Responses that were made in the background, and the call each was charged to: whoever asks for one is told its usage
-- again.
create table background_responses (
    response_id         text    primary key,
    call_id             blob    not null
) strict, without rowid;

-- How large the files were at the end of each UTC day (or when last looked at), in bytes.
create table sizes (
    day                 integer primary key,                   -- days since the epoch
    book                integer not null,
    bodies              integer not null,
    search              integer not null
) strict;

-- ---------------------------------------------------------------------------------------------- repricing
-- When costs were computed anew (`tollbook reprice --apply`), by whom, and what the rows said before. A row changes, its
-- sums move and what it said before is kept here in one transaction. Whoever removes a call removes its lines here.

create table repricings (
    id                  integer primary key,
    began_at            integer not null,
    finished_at         integer,                               -- NULL: not every call of the filter was reached (yet)
    who                 text    not null,                      -- the user of the machine
    filter              text    not null,                      -- JSON: [[name, value], ...], times as RFC 3339
    prices              text    not null,                      -- which lists, and a mark of the [[prices]] used
    calls               integer not null,                      -- rows that changed
    cost_before         integer not null,                      -- nano-USD of those calls, as far as known
    cost_after          integer not null,
    usage_before        integer not null,                      -- micro-credits, likewise
    usage_after         integer not null,
    became_known        integer not null,                      -- calls whose cost was unknown before
    became_unknown      integer not null
) strict;

-- What a call said before a repricing; the columns mean what they mean in `calls`.
create table repriced (
    call                integer not null references calls,
    repricing           integer not null references repricings,
    cost                integer,
    cost_state          text    not null,
    cost_lines          text,
    cost_missing        text,
    price_source        text,
    price_entry         text,
    price_since         text,
    usage               integer,
    cache_saved         integer,
    anomalies           text,
    primary key (call, repricing)
) strict, without rowid;

create index repriced_by_repricing on repriced (repricing, call);

-- ---------------------------------------------------------------------------------------------- journal
-- How far each segment has been read. Moved in the same transaction as the rows that came out of it.

create table cursors (
    boot_id  text    not null,
    segment  integer not null,
    position integer not null,
    primary key (boot_id, segment)
) strict, without rowid;

-- The runs of workers whose calls are in the book, until their journal is gone.
create table runs (
    boot_id   text    primary key,
    accounted integer not null,                                -- calls of this run that are in the book
    finished  integer not null check (finished in (0, 1))      -- over, and counted in full
) strict, without rowid;

-- Counts since the book began: stored (and how many of those are repeats), received (by workers that are gone),
-- malformed, late_heads, turned_away, stalls, lost.REASON, ...;
-- and calls_without_units: so many calls, the first, are from before units were kept;
-- calls_from, bodies_gone, last_id: what was pruned (store/pruned.py).
create table counters (
    name  text    primary key,
    value integer not null
) strict, without rowid;

-- ---------------------------------------------------------------------------------------------- views
-- For people: plain names and units.

create view log as
select calls.id,
       strftime('%Y-%m-%d %H:%M:%S', started_at / 1000000, 'unixepoch')
           || printf('.%03d', started_at / 1000 % 1000)                              as time_utc,
       usage / 1e6                                                                   as credits,
       models.name                                                                   as model,
       duration / 1e6                                                                as seconds,
       input_tokens, output_tokens, total_tokens,
       cost / 1e9                                                                    as cost_usd,
       cost_state,
       keys.name                                                                     as key,
       groups.name                                                                   as "group",
       types.name                                                                    as type,
       upstreams.name                                                                as upstream,
       status, outcome, error_message, repeats,
       first_token / 1e3                                                             as first_token_ms,
       lower(substr(hex(call_id), 1, 8) || '-' || substr(hex(call_id), 9, 4) || '-' || substr(hex(call_id), 13, 4)
           || '-' || substr(hex(call_id), 17, 4) || '-' || substr(hex(call_id), 21)) as call_id
  from calls
  join types          on types.id     = calls.type_id
  join groups         on groups.id    = calls.group_id
  left join models    on models.id    = calls.model_id
  left join keys      on keys.id      = calls.key_id
  left join upstreams on upstreams.id = calls.upstream_id;

create view spending_by_day as
select date(day * 86400, 'unixepoch')                                   as day_utc,
       models.name                                                      as model,
       keys.name                                                        as key,
       groups.name                                                      as "group",
       sum(calls)                                                       as calls,
       sum(errors)                                                      as errors,
       iif(sum(input_told), sum(input_tokens), null)                    as input_tokens,
       iif(sum(output_told), sum(output_tokens), null)                  as output_tokens,
       iif(sum(unknown_cost_calls) < sum(calls), sum(cost) / 1e9, null) as cost_usd,
       sum(unknown_cost_calls)                                          as calls_of_unknown_cost,
       sum(estimated_input) + sum(estimated_output)                     as estimated_tokens,
       sum(estimated_cost) / 1e9                                        as estimated_cost_usd,
       iif(sum(usage_told), sum(usage) / 1e6, null)                     as credits
  from day_sums
  join groups      on groups.id = day_sums.group_id
  left join models on models.id = day_sums.model_id
  left join keys   on keys.id   = day_sums.key_id
 group by day, day_sums.model_id, day_sums.key_id, day_sums.group_id
 order by day desc, cost_usd desc;

pragma user_version = 5;

-- ============================================================================================== bodies.db
-- Written before the book; bodies whose call never reached the book are removed at the next start.
-- `content` is the request body followed by the response body, without their content encodings, as one zstd frame:
-- half the work and a tenth less space than two. Headers are JSON [[name, value], ...].

create table bodies (
    id               integer primary key,                      -- calls.id
    call_id          blob    not null,
    request_headers  text    not null,
    request_size     integer,                                  -- bytes of content; NULL: no request, or not kept
    request_cut      integer,                                  -- where bytes are missing; NULL: nowhere
    response_headers text    not null,
    response_size    integer,
    response_cut     integer,
    content          blob                                      -- NULL: neither is kept
) strict;

pragma user_version = 1;
