-- A book as version 1 of its schema wrote it: calls of all kinds, their sums, and how far the journal was read.
pragma page_size = 8192;
pragma auto_vacuum = incremental;
pragma journal_mode = wal;
pragma user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE calls (
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
    outcome             text    not null check (outcome in ('completed', 'client_left', 'upstream_unreachable',
                            'upstream_timed_out', 'upstream_broke_off', 'rejected', 'interrupted')),
    failed              integer not null check (failed in (0, 1)),   -- counts as an error
    fault               text    check (fault in ('client', 'policy', 'upstream', 'proxy')),
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
    duration_bucket     integer,                               -- of the latency histogram (store/histogram.py)
    first_token_bucket  integer,

    tokens_source       text    not null check (tokens_source in ('reported', 'estimated', 'none')),
    input_uncached      integer check (input_uncached >= 0),   -- buckets do not overlap; NULL: not told apart
    cache_read          integer check (cache_read >= 0),
    cache_write_5m      integer check (cache_write_5m >= 0),
    cache_write_1h      integer check (cache_write_1h >= 0),
    input_audio         integer check (input_audio >= 0),
    input_image         integer check (input_image >= 0),
    cache_read_audio    integer check (cache_read_audio >= 0),
    output_text         integer check (output_text >= 0),      -- reasoning included
    output_audio        integer check (output_audio >= 0),
    output_image        integer check (output_image >= 0),
    reasoning           integer check (reasoning >= 0),        -- of which; in no sum
    input_tokens        integer,                               -- sums of the buckets above
    output_tokens       integer,
    total_tokens        integer,
    raw_usage           text,                                  -- the provider's own object

    cost                integer,                               -- nano-USD
    cost_state          text    not null check (cost_state in ('reported', 'priced', 'estimated', 'free', 'unknown')),
    cost_lines          text,                                  -- JSON: [[kind, count, rate, usd, per_unit], ...]
    price_source        text,
    price_entry         text,
    price_since         text,
    usage               integer,                               -- micro-credits

    user                text,                                  -- the client's own labels
    session             text,
    tags                text,                                  -- JSON object
    anomalies           text,                                  -- JSON array of names

    request_bytes       integer not null,
    response_bytes      integer not null,
    sent_bytes          integer not null,

    check ((cost is null) = (cost_state = 'unknown')),
    check (usage is null or cost is not null)
) strict;
INSERT INTO "calls" VALUES(1,X'0193A5F0C0DE70008000000000000001','boot',1,1795210630780113,NULL,'openai',1,1,1,1,1,'POST','/v1/chat/completions','127.0.0.1','tests/1',NULL,'client_left',0,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,6539906,200,200000,NULL,410,182,NULL,'reported',712,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,712,5,717,NULL,NULL,'unknown',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(2,X'0193A5F0C0DE70008000000000000002','boot',2,1795309221274425,NULL,'openai',1,NULL,NULL,NULL,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',200,'rejected',1,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,NULL,200,200000,800799,410,NULL,157,'estimated',3,63,4,NULL,NULL,NULL,NULL,2,NULL,NULL,1,70,2,72,NULL,250272526,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(3,X'0193A5F0C0DE70008000000000000003','boot',3,1795208971813437,NULL,'openai',2,1,1,NULL,1,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'rejected',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,2028196,200,200000,939079,410,168,159,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,325739463,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(4,X'0193A5F0C0DE70008000000000000004','boot',4,1795056909785029,1,'openai',1,2,NULL,1,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'completed',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,9207315,200,200000,90668,410,186,132,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'unknown',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(5,X'0193A5F0C0DE70008000000000000005','boot',5,1795069215892184,1,'openai',1,2,NULL,1,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'completed',1,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,NULL,200,200000,NULL,410,NULL,NULL,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,434280104,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(6,X'0193A5F0C0DE70008000000000000006','boot',6,1795173558004840,1,'openai',2,2,NULL,1,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',NULL,'client_left',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,NULL,200,200000,986725,410,NULL,160,'reported',496,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,496,5,501,NULL,NULL,'unknown',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(7,X'0193A5F0C0DE70008000000000000007','boot',7,1795173172104131,NULL,'openai',2,NULL,NULL,2,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'client_left',1,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,NULL,200,200000,NULL,410,NULL,NULL,'reported',463,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,463,5,468,NULL,267962176,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(8,X'0193A5F0C0DE70008000000000000008','boot',8,1795347428703294,NULL,'openai',2,1,1,1,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',200,'rejected',1,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,4578744,200,200000,476790,410,177,151,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,25377432,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(9,X'0193A5F0C0DE70008000000000000009','boot',9,1795060509219532,1,'openai',2,1,1,NULL,1,'POST','/v1/chat/completions','127.0.0.1','tests/1',NULL,'completed',0,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,NULL,200,200000,NULL,410,NULL,NULL,'estimated',3,90,4,NULL,NULL,NULL,NULL,2,NULL,NULL,1,97,2,99,NULL,728185719,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(10,X'0193A5F0C0DE7000800000000000000A','boot',10,1795247704697599,1,'openai',1,1,NULL,2,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'rejected',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,986250,200,200000,NULL,410,160,NULL,'reported',896,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,896,5,901,NULL,NULL,'unknown',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(11,X'0193A5F0C0DE7000800000000000000B','boot',11,1795146114070416,NULL,'openai',2,2,1,NULL,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'client_left',1,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,NULL,200,200000,NULL,410,NULL,NULL,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,615664991,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(12,X'0193A5F0C0DE7000800000000000000C','boot',12,1795190999532269,1,'openai',2,2,1,1,1,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'client_left',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,NULL,200,200000,210610,410,NULL,142,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,364101179,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(13,X'0193A5F0C0DE7000800000000000000D','boot',13,1795225596678253,NULL,'openai',2,2,1,2,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',NULL,'completed',0,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,NULL,200,200000,281029,410,NULL,145,'reported',614,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,614,5,619,NULL,395252955,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(14,X'0193A5F0C0DE7000800000000000000E','boot',14,1795128743957896,NULL,'openai',1,1,1,NULL,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',200,'completed',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,NULL,200,200000,NULL,410,NULL,NULL,'reported',629,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,629,5,634,NULL,NULL,'unknown',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(15,X'0193A5F0C0DE7000800000000000000F','boot',15,1795300849604785,1,'openai',1,1,1,2,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',NULL,'completed',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,NULL,200,200000,96137,410,NULL,133,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,257304362,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(16,X'0193A5F0C0DE70008000000000000010','boot',16,1795236625860763,1,'openai',1,NULL,NULL,NULL,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'client_left',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,8002901,200,200000,NULL,410,184,NULL,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'unknown',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(17,X'0193A5F0C0DE70008000000000000011','boot',17,1795174324602494,NULL,'openai',1,1,1,1,1,'POST','/v1/chat/completions','127.0.0.1','tests/1',NULL,'client_left',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,1868349,200,200000,225647,410,167,143,'reported',677,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,677,5,682,NULL,NULL,'unknown',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(18,X'0193A5F0C0DE70008000000000000012','boot',18,1795120520396861,NULL,'openai',1,1,NULL,1,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'rejected',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,3815579,200,200000,NULL,410,175,NULL,'reported',335,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,335,5,340,NULL,851189292,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(19,X'0193A5F0C0DE70008000000000000013','boot',19,1795190320852958,NULL,'openai',2,2,NULL,NULL,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',200,'completed',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,NULL,200,200000,NULL,410,NULL,NULL,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,312267262,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(20,X'0193A5F0C0DE70008000000000000014','boot',20,1795024069740410,NULL,'openai',2,1,1,NULL,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',NULL,'client_left',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,1793110,200,200000,NULL,410,167,NULL,'estimated',3,69,4,NULL,NULL,NULL,NULL,2,NULL,NULL,1,76,2,78,NULL,34101977,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(21,X'0193A5F0C0DE70008000000000000015','boot',21,1795215419875007,NULL,'openai',1,1,NULL,NULL,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'client_left',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,9215220,200,200000,567676,410,186,153,'reported',871,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,871,5,876,NULL,11667846,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(22,X'0193A5F0C0DE70008000000000000016','boot',22,1795124696400884,NULL,'openai',2,1,NULL,2,1,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'client_left',1,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,NULL,200,200000,145224,410,NULL,137,'reported',848,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,848,5,853,NULL,605667632,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(23,X'0193A5F0C0DE70008000000000000017','boot',23,1795187220365523,1,'openai',1,1,1,NULL,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'rejected',1,NULL,NULL,NULL,NULL,0,'stop','req_1',NULL,3999263,200,200000,519121,410,176,152,'estimated',3,28,4,NULL,NULL,NULL,NULL,2,NULL,NULL,1,35,2,37,NULL,442645914,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
INSERT INTO "calls" VALUES(24,X'0193A5F0C0DE70008000000000000018','boot',24,1795094837580260,1,'openai',1,1,1,NULL,2,'POST','/v1/chat/completions','127.0.0.1','tests/1',429,'client_left',1,NULL,'t',NULL,'m',0,'stop','req_1',NULL,2771238,200,200000,NULL,410,172,NULL,'estimated',3,15,4,NULL,NULL,NULL,NULL,2,NULL,NULL,1,22,2,24,NULL,551850945,'priced',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,120,480,480);
CREATE TABLE counters (
    name  text    primary key,
    value integer not null
) strict, without rowid;
INSERT INTO "counters" VALUES('stored',24);
CREATE TABLE cursors (
    boot_id  text    not null,
    segment  integer not null,
    position integer not null,
    primary key (boot_id, segment)
) strict, without rowid;
CREATE TABLE day_sums (
    day                 integer not null,                      -- started_at / 24 hours
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
    cost                integer not null,
    unknown_cost_calls  integer not null,
    usage               integer not null,
    usage_told          integer not null,
    durations           text    not null,
    first_tokens        text    not null,
    primary key (day, model_id, key_id, group_id, type_id, upstream_id)
) strict, without rowid;
INSERT INTO "day_sums" VALUES(20775,1,0,2,2,0,1,1,76,2,69,4,1,1,1,1,1,1,0,1,34101977,0,0,0,'{"167":1}','{}');
INSERT INTO "day_sums" VALUES(20776,1,0,1,2,1,1,0,97,2,90,4,1,1,1,1,1,1,0,1,728185719,0,0,0,'{}','{}');
INSERT INTO "day_sums" VALUES(20776,1,0,2,1,0,1,1,629,5,0,0,0,1,1,0,0,0,0,0,0,1,0,0,'{}','{}');
INSERT INTO "day_sums" VALUES(20776,1,0,2,1,1,1,1,22,2,15,4,1,1,1,1,1,1,0,1,551850945,0,0,0,'{"172":1}','{}');
INSERT INTO "day_sums" VALUES(20776,1,1,2,1,0,1,1,335,5,0,0,0,1,1,0,0,0,0,0,851189292,0,0,0,'{"175":1}','{}');
INSERT INTO "day_sums" VALUES(20776,1,2,1,2,0,1,1,848,5,0,0,0,1,1,0,0,0,0,0,605667632,0,0,0,'{}','{"137":1}');
INSERT INTO "day_sums" VALUES(20776,2,1,2,1,1,2,2,0,0,0,0,0,0,0,0,0,0,2,0,434280104,1,0,0,'{"186":1}','{"132":1}');
INSERT INTO "day_sums" VALUES(20777,0,2,2,2,0,1,1,463,5,0,0,0,1,1,0,0,0,0,0,267962176,0,0,0,'{}','{}');
INSERT INTO "day_sums" VALUES(20777,1,0,1,2,0,1,1,0,0,0,0,0,0,0,0,0,0,1,0,325739463,0,0,0,'{"168":1}','{"159":1}');
INSERT INTO "day_sums" VALUES(20777,1,0,2,1,0,1,1,871,5,0,0,0,1,1,0,0,0,0,0,11667846,0,0,0,'{"186":1}','{"153":1}');
INSERT INTO "day_sums" VALUES(20777,1,0,2,1,1,1,1,35,2,28,4,1,1,1,1,1,1,0,1,442645914,0,0,0,'{"176":1}','{"152":1}');
INSERT INTO "day_sums" VALUES(20777,1,1,1,1,0,2,1,1389,10,0,0,0,2,2,0,0,0,0,0,0,2,0,0,'{"182":1,"167":1}','{"143":1}');
INSERT INTO "day_sums" VALUES(20777,2,0,2,2,0,2,2,0,0,0,0,0,0,0,0,0,0,2,0,927932253,0,0,0,'{}','{}');
INSERT INTO "day_sums" VALUES(20777,2,1,1,2,1,1,1,0,0,0,0,0,0,0,0,0,0,1,0,364101179,0,0,0,'{}','{"142":1}');
INSERT INTO "day_sums" VALUES(20777,2,1,2,2,1,1,1,496,5,0,0,0,1,1,0,0,0,0,0,0,1,0,0,'{}','{"160":1}');
INSERT INTO "day_sums" VALUES(20778,0,0,2,1,1,1,1,0,0,0,0,0,0,0,0,0,0,1,0,0,1,0,0,'{"184":1}','{}');
INSERT INTO "day_sums" VALUES(20778,1,2,2,1,1,2,2,896,5,0,0,0,1,1,0,0,0,1,0,257304362,1,0,0,'{"160":1}','{"133":1}');
INSERT INTO "day_sums" VALUES(20778,2,2,2,2,0,1,0,614,5,0,0,0,1,1,0,0,0,0,0,395252955,0,0,0,'{}','{"145":1}');
INSERT INTO "day_sums" VALUES(20779,0,0,2,1,0,1,1,70,2,63,4,1,1,1,1,1,1,0,1,250272526,0,0,0,'{}','{"157":1}');
INSERT INTO "day_sums" VALUES(20779,1,1,2,2,0,1,1,0,0,0,0,0,0,0,0,0,0,1,0,25377432,0,0,0,'{"177":1}','{"151":1}');
CREATE TABLE groups    (id integer primary key, name text not null unique) strict;
INSERT INTO "groups" VALUES(1,'research');
INSERT INTO "groups" VALUES(2,'default');
CREATE TABLE keys      (id integer primary key, name text not null unique) strict;
INSERT INTO "keys" VALUES(1,'laptop');
INSERT INTO "keys" VALUES(2,'ci');
CREATE TABLE models    (id integer primary key, name text not null unique) strict;
INSERT INTO "models" VALUES(1,'gpt-4o');
INSERT INTO "models" VALUES(2,'claude');
CREATE TABLE quarter_sums (
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
    cost                integer not null,
    unknown_cost_calls  integer not null,
    usage               integer not null,
    usage_told          integer not null,
    durations           text    not null,
    first_tokens        text    not null,
    primary key (quarter, model_id, type_id, upstream_id)
) strict, without rowid;
INSERT INTO "quarter_sums" VALUES(1994471,1,2,0,1,1,76,2,69,4,1,1,1,1,1,1,0,1,34101977,0,0,0,'{"167":1}','{}');
INSERT INTO "quarter_sums" VALUES(1994507,2,1,1,1,1,0,0,0,0,0,0,0,0,0,0,1,0,0,1,0,0,'{"186":1}','{"132":1}');
INSERT INTO "quarter_sums" VALUES(1994511,1,2,1,1,0,97,2,90,4,1,1,1,1,1,1,0,1,728185719,0,0,0,'{}','{}');
INSERT INTO "quarter_sums" VALUES(1994521,2,1,1,1,1,0,0,0,0,0,0,0,0,0,0,1,0,434280104,0,0,0,'{}','{}');
INSERT INTO "quarter_sums" VALUES(1994549,1,1,1,1,1,22,2,15,4,1,1,1,1,1,1,0,1,551850945,0,0,0,'{"172":1}','{}');
INSERT INTO "quarter_sums" VALUES(1994578,1,1,0,1,1,335,5,0,0,0,1,1,0,0,0,0,0,851189292,0,0,0,'{"175":1}','{}');
INSERT INTO "quarter_sums" VALUES(1994582,1,2,0,1,1,848,5,0,0,0,1,1,0,0,0,0,0,605667632,0,0,0,'{}','{"137":1}');
INSERT INTO "quarter_sums" VALUES(1994587,1,1,0,1,1,629,5,0,0,0,1,1,0,0,0,0,0,0,1,0,0,'{}','{}');
INSERT INTO "quarter_sums" VALUES(1994606,2,2,0,1,1,0,0,0,0,0,0,0,0,0,0,1,0,615664991,0,0,0,'{}','{}');
INSERT INTO "quarter_sums" VALUES(1994636,0,2,0,1,1,463,5,0,0,0,1,1,0,0,0,0,0,267962176,0,0,0,'{}','{}');
INSERT INTO "quarter_sums" VALUES(1994637,2,2,1,1,1,496,5,0,0,0,1,1,0,0,0,0,0,0,1,0,0,'{}','{"160":1}');
INSERT INTO "quarter_sums" VALUES(1994638,1,1,0,1,1,677,5,0,0,0,1,1,0,0,0,0,0,0,1,0,0,'{"167":1}','{"143":1}');
INSERT INTO "quarter_sums" VALUES(1994652,1,1,1,1,1,35,2,28,4,1,1,1,1,1,1,0,1,442645914,0,0,0,'{"176":1}','{"152":1}');
INSERT INTO "quarter_sums" VALUES(1994655,2,2,0,1,1,0,0,0,0,0,0,0,0,0,0,1,0,312267262,0,0,0,'{}','{}');
INSERT INTO "quarter_sums" VALUES(1994656,2,2,1,1,1,0,0,0,0,0,0,0,0,0,0,1,0,364101179,0,0,0,'{}','{"142":1}');
INSERT INTO "quarter_sums" VALUES(1994676,1,2,0,1,1,0,0,0,0,0,0,0,0,0,0,1,0,325739463,0,0,0,'{"168":1}','{"159":1}');
INSERT INTO "quarter_sums" VALUES(1994678,1,1,0,1,0,712,5,0,0,0,1,1,0,0,0,0,0,0,1,0,0,'{"182":1}','{}');
INSERT INTO "quarter_sums" VALUES(1994683,1,1,0,1,1,871,5,0,0,0,1,1,0,0,0,0,0,11667846,0,0,0,'{"186":1}','{"153":1}');
INSERT INTO "quarter_sums" VALUES(1994695,2,2,0,1,0,614,5,0,0,0,1,1,0,0,0,0,0,395252955,0,0,0,'{}','{"145":1}');
INSERT INTO "quarter_sums" VALUES(1994707,0,1,1,1,1,0,0,0,0,0,0,0,0,0,0,1,0,0,1,0,0,'{"184":1}','{}');
INSERT INTO "quarter_sums" VALUES(1994719,1,1,1,1,1,896,5,0,0,0,1,1,0,0,0,0,0,0,1,0,0,'{"160":1}','{}');
INSERT INTO "quarter_sums" VALUES(1994778,1,1,1,1,1,0,0,0,0,0,0,0,0,0,0,1,0,257304362,0,0,0,'{}','{"133":1}');
INSERT INTO "quarter_sums" VALUES(1994788,0,1,0,1,1,70,2,63,4,1,1,1,1,1,1,0,1,250272526,0,0,0,'{}','{"157":1}');
INSERT INTO "quarter_sums" VALUES(1994830,1,2,0,1,1,0,0,0,0,0,0,0,0,0,0,1,0,25377432,0,0,0,'{"177":1}','{"151":1}');
CREATE TABLE runs (
    boot_id   text    primary key,
    accounted integer not null,                                -- calls of this run that are in the book
    finished  integer not null check (finished in (0, 1))      -- over, and counted in full
) strict, without rowid;
INSERT INTO "runs" VALUES('boot',24,0);
CREATE TABLE types     (id integer primary key, name text not null unique) strict;
INSERT INTO "types" VALUES(1,'embedding');
INSERT INTO "types" VALUES(2,'chat');
CREATE TABLE upstreams (id integer primary key, name text not null unique) strict;
INSERT INTO "upstreams" VALUES(1,'openai');
CREATE INDEX calls_by_time  on calls (started_at);
CREATE INDEX calls_by_model on calls (model_id, started_at);
CREATE INDEX calls_by_key   on calls (key_id, started_at);
CREATE INDEX calls_by_group on calls (group_id, started_at);
CREATE INDEX calls_by_type  on calls (type_id, started_at);
CREATE VIEW log as
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
       status, outcome, error_message,
       first_token / 1e3                                                             as first_token_ms,
       lower(substr(hex(call_id), 1, 8) || '-' || substr(hex(call_id), 9, 4) || '-' || substr(hex(call_id), 13, 4)
           || '-' || substr(hex(call_id), 17, 4) || '-' || substr(hex(call_id), 21)) as call_id
  from calls
  join types          on types.id     = calls.type_id
  join groups         on groups.id    = calls.group_id
  left join models    on models.id    = calls.model_id
  left join keys      on keys.id      = calls.key_id
  left join upstreams on upstreams.id = calls.upstream_id;
CREATE VIEW spending_by_day as
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
       iif(sum(usage_told), sum(usage) / 1e6, null)                     as credits
  from day_sums
  join groups      on groups.id = day_sums.group_id
  left join models on models.id = day_sums.model_id
  left join keys   on keys.id   = day_sums.key_id
 group by day, day_sums.model_id, day_sums.key_id, day_sums.group_id
 order by day desc, cost_usd desc;
COMMIT;
