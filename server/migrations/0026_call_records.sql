-- Calls are looked for by more than their connection and state.
create index on call (tenant_id, operation, id) where operation is not null;
create index on call (tenant_id, method, id);

-- The status again, and its hundreds, where it is one to look for. As `trouble`: a call that succeeds changes no indexed
-- column. Each an equality, under which the calls stand in their order; a range would give them out of it.
alter table call add column trouble_status smallint, add column trouble_class smallint;
update call set trouble_status = status, trouble_class = status / 100 where trouble is not null;
create index on call (tenant_id, trouble_status, id) where trouble_status is not null;
create index on call (tenant_id, trouble_class, id) where trouble_class is not null;
grant update (trouble_status, trouble_class) on call to trilho_app;

-- For how many days its bodies are kept whole; null: they are not.
alter table connection add column keep_bodies_days smallint check (keep_bodies_days between 1 and 400);

-- What went out and came back in one attempt, where the connection says that it is to be kept: sealed, and deleted on
-- its day. Its partition is dropped with those of the calls.
create table call_body (
  tenant_id  uuid not null,
  call_id    uuid not null,
  number     smallint not null, -- of the attempt
  keep_until timestamptz not null,
  request    bytea, -- sealed; null where there was none
  response   bytea, -- likewise
  truncated  boolean not null, -- one of them was longer than what is kept
  primary key (tenant_id, call_id, number)
) partition by range (call_id);
create index on call_body (keep_until);
call isolate('call_body');
grant select, insert on call_body to trilho_app;
call open_to_worker('call_body', 'select, delete');
