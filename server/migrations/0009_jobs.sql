-- Work that is neither a message nor a delivery: what a room asks to be done later, and what a clock asks for.
create table job (
  tenant_id uuid not null,
  id        uuid not null,
  kind      text not null,
  payload   jsonb not null,
  due       timestamptz not null,
  claim     uuid,
  attempts  smallint not null default 0,
  error     text,
  primary key (tenant_id, id)
);
create index on job (due);
call isolate('job');
grant select, insert, delete on job to trilho_app;
call open_to_worker('job', 'select, insert, update, delete');

-- Standing orders: `cron` is read in `time_zone`; each turn becomes a job, and `due` moves in the same statement.
create table schedule (
  tenant_id uuid not null,
  name      text not null,
  cron      text not null,
  time_zone text not null,
  kind      text not null,
  payload   jsonb not null default '{}',
  due       timestamptz not null,
  primary key (tenant_id, name)
);
create index on schedule (due);
call isolate('schedule');
grant select, insert, update, delete on schedule to trilho_app;
call open_to_worker('schedule', 'select, insert, update, delete');
