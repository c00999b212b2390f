-- What was done in an hour, and in a day, through each connection. Kept longer than the records they count, and small:
-- a range of any length is whole days and the hours at its edges.
create table metric (
  tenant_id      uuid not null,
  subject_id     uuid not null, -- the connection
  grain          text not null check (grain in ('hour', 'day')),
  at             timestamptz not null, -- its first moment, in UTC
  calls          bigint not null default 0,
  succeeded      bigint not null default 0,
  refused        bigint not null default 0,
  failed         bigint not null default 0,
  unknown        bigint not null default 0,
  attempts       bigint not null default 0,
  total_ms       bigint not null default 0,
  max_ms         int not null default 0,
  durations      int[] not null default '{}', -- calls by how long they took: see kit/durations.ts
  sent_bytes     bigint not null default 0,
  received_bytes bigint not null default 0,
  cache_hits     bigint not null default 0,
  cache_misses   bigint not null default 0,
  errors         jsonb not null default '{}', -- how many, by what was wrong
  primary key (tenant_id, grain, at, subject_id)
) with (fillfactor = 70);
create index on metric (at); -- emptied by age
call isolate('metric');
grant select on metric to trilho_app;
call open_to_worker('metric', 'select, insert, update, delete');

create function add_counts(a int[], b int[]) returns int[] language sql immutable parallel safe as
  $$ select coalesce(array_agg(coalesce(x, 0) + coalesce(y, 0) order by i), '{}') from unnest(a, b) with ordinality u(x, y, i) $$;

create function add_numbers(a jsonb, b jsonb) returns jsonb language sql immutable parallel safe as
  $$ select coalesce(jsonb_object_agg(key, n), '{}')
       from (select key, sum(value::bigint) as n from (select * from jsonb_each_text(a) union all select * from jsonb_each_text(b)) e group by key) s $$;
