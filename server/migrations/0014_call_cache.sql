-- Which of a vendor's answers may be kept: the first whose path fits decides.
create table cache_policy (
  tenant_id     uuid not null,
  connection_id uuid not null,
  position      int not null,
  path          text not null, -- * stands for any text
  rules         jsonb not null, -- all the rest of it
  invalidate_on text[] not null default '{}', -- types of events
  primary key (tenant_id, connection_id, position)
);
create index on cache_policy (tenant_id) where invalidate_on <> '{}';
call isolate('cache_policy');
grant select, insert, update, delete on cache_policy to trilho_app;
call open_to_worker('cache_policy', 'select');

-- What a connection keeps, from the first answer on.
create table connection_cache (
  tenant_id     uuid not null,
  connection_id uuid not null,
  -- Rises with everything that is dropped: an answer that was asked for before is not kept any more.
  epoch         bigint not null default 0,
  hits          bigint not null default 0,
  misses        bigint not null default 0,
  revalidated   bigint not null default 0,
  stale         bigint not null default 0,
  bypassed      bigint not null default 0,
  joined        bigint not null default 0,
  primary key (tenant_id, connection_id)
);
call isolate('connection_cache');
grant select, insert, update, delete on connection_cache to trilho_app;
call open_to_worker('connection_cache', 'select, update');

create table cached_answer (
  tenant_id     uuid not null,
  connection_id uuid not null,
  key           bytea not null, -- SHA-256 of all the request asked for, and of the version of its connection
  path          text not null, -- at the vendor, without its query: by it answers are dropped
  call_id       uuid not null, -- the call that brought it, or that the vendor last said 304 to
  sealed        bytea not null, -- by the vault: status, headers and body
  bytes         int not null,
  stored_at     timestamptz not null default now(),
  expires_at    timestamptz not null,
  primary key (tenant_id, connection_id, key)
);
create index on cached_answer (expires_at);
call isolate('cached_answer');
grant select, insert, update, delete on cached_answer to trilho_app;
call open_to_worker('cached_answer', 'select, delete');

-- A connection that is deleted takes them with it; first the epoch, without which nothing more is kept.
create function drop_cache() returns trigger language plpgsql as $$
begin
  delete from connection_cache where tenant_id = old.tenant_id and connection_id = old.id;
  delete from cached_answer where tenant_id = old.tenant_id and connection_id = old.id;
  delete from cache_policy where tenant_id = old.tenant_id and connection_id = old.id;
  return null;
end
$$;
create trigger drop_cache after delete on connection for each row execute function drop_cache();
