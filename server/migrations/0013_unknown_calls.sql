-- Calls whose outcome somebody may have to find out: those under way through an operation that says how, and those that
-- became unknown. Emptied by the job that tells of them and settles them.
create table call_unsettled (
  tenant_id uuid not null,
  call_id   uuid not null,
  plan      bytea, -- how to settle it, and the request, sealed; null where nothing can be asked
  told      boolean not null default false, -- by the event call.unknown
  tries     smallint not null default 0,
  denied    smallint not null default 0, -- how often the vendor said that it knows nothing of it
  due       timestamptz, -- null while the call is under way
  primary key (tenant_id, call_id)
);
create index on call_unsettled (due) where due is not null;
call isolate('call_unsettled');
grant select, insert, update, delete on call_unsettled to trilho_app;
call open_to_worker('call_unsettled', 'select, insert, update, delete');

-- What was found out, in the commit of the event that tells of it.
grant update (state, trouble, status, error) on call to trilho_app;
