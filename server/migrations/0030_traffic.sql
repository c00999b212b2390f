-- What the dashboard shows of the last hour, of webhooks in both directions, and of all connections together.

-- By five minutes too, for two days; and under a subject of zeros what all connections of a tenant did together, so
-- that a long range is a row for each step and not one for each connection.
alter table metric drop constraint metric_grain_check;
alter table metric add constraint metric_grain_check check (grain in ('five_minutes', 'hour', 'day'));
create index on metric (at) where grain = 'five_minutes'; -- emptied by age

create aggregate sum_counts(int[]) (sfunc = add_counts, stype = int[], initcond = '{}');
create aggregate sum_numbers(jsonb) (sfunc = add_numbers, stype = jsonb, initcond = '{}');
insert into metric (tenant_id, subject_id, grain, at, calls, succeeded, refused, failed, unknown, attempts, total_ms, max_ms,
                    durations, sent_bytes, received_bytes, cache_hits, cache_misses, errors)
select tenant_id, '00000000-0000-0000-0000-000000000000', grain, at, sum(calls), sum(succeeded), sum(refused), sum(failed),
       sum(unknown), sum(attempts), sum(total_ms), max(max_ms), sum_counts(durations), sum(sent_bytes), sum(received_bytes),
       sum(cache_hits), sum(cache_misses), sum_numbers(errors)
  from metric group by tenant_id, grain, at;
drop aggregate sum_counts(int[]);
drop aggregate sum_numbers(jsonb);

-- Which breakers are open, of one tenant.
create index on breaker (tenant_id, opened_at desc) where state <> 'closed';

-- Messages that came in and attempts that went out, as `metric` has calls.
create table traffic (
  tenant_id uuid not null,
  grain     text not null check (grain in ('five_minutes', 'hour', 'day')),
  at        timestamptz not null, -- its first moment, in UTC
  direction text not null check (direction in ('inbound', 'outbound')),
  subject   text not null, -- of what came in the provider, of what went out the type of the event; '' for all together
  outcome   text not null,
  count     bigint not null,
  total_ms  bigint not null, -- from the door to the end of the work; of an attempt, how long it took
  primary key (tenant_id, grain, subject, at, direction, outcome)
) with (fillfactor = 70);
create index on traffic (at); -- emptied by age
create index on traffic (at) where grain = 'five_minutes';
call isolate('traffic');
grant select on traffic to trilho_app;
call open_to_worker('traffic', 'select, insert, update, delete');

-- When an id was made, to the millisecond: the other way round than v7_floor.
create function v7_time(id uuid) returns timestamptz language sql immutable strict parallel safe as
  $$ select to_timestamp(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) $$;
grant execute on function v7_time(uuid) to trilho_app;
