-- How a source is answered, guarded, ordered and tried again: read into memory with it, and never searched.
alter table source add column options jsonb not null default '{}';

-- `flags` says what was unusual: `late`, `gap`, `changed` …; `parked` was set aside so that its entity could go on.
-- `lane` and `position` are what its work has (below): a replay puts it back where it stood.
alter table inbox
  add column flags    text[] not null default '{}',
  add column lane     uuid,
  add column position bigint;
alter table inbox drop constraint inbox_state_check;
-- A partition was made like its table and has the constraint as its own.
do $$
declare t regclass;
begin
  for t in select inhrelid from pg_inherits where inhparent = 'inbox'::regclass loop
    execute format('alter table %s drop constraint if exists inbox_state_check', t);
  end loop;
end
$$;
alter table inbox add constraint inbox_state_check check (state in ('pending', 'completed', 'failed', 'ignored', 'parked'));

-- A message of an entity in order stands in a lane, the hash of its source and entity. Its row is first a bell (`due`),
-- and once the lane has been rung it waits there with no due time of its own. Rows without a lane pay nothing.
alter table inbox_queue
  alter column due drop not null,
  add column lane     uuid,
  add column position bigint, -- the vendor's sequence number, or its time in milliseconds; 0 for the order of arrival
  add column arrived  bigint; -- the transaction that brought it: what was answered before has the smaller one
create index on inbox_queue (tenant_id, lane, position, arrived, id) where lane is not null;

-- The lock by which one worker at a time goes along the messages of one entity. It stays after the last of them,
-- since it remembers how far the entity has come, and is forgotten by age.
create table inbox_lane (
  tenant_id uuid not null,
  lane      uuid not null,
  source_id uuid not null,
  reached   bigint, -- position of the last message that was done
  rung      boolean not null default false, -- something came while it was claimed
  wait      text check (wait in ('gap', 'retry', 'blocked')),
  gap_until timestamptz, -- a missing number is waited for until then
  due       timestamptz, -- null while nothing is to be done
  claim     uuid,
  attempts  smallint not null default 0, -- at its first message
  used_at   timestamptz not null default now(),
  primary key (tenant_id, lane)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
create index on inbox_lane (due);
create index on inbox_lane (tenant_id, source_id) where wait is not null; -- which entities stand still
call isolate('inbox_lane');
grant select, update on inbox_lane to trilho_app;
call open_to_worker('inbox_lane', 'select, insert, update, delete');
