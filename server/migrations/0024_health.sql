-- Whether vendors are well, asked on a schedule rather than learnt from the calls of customers.
alter table connection drop constraint connection_health_check;
alter table connection add constraint connection_health_check check (health in ('unknown', 'healthy', 'degraded', 'unhealthy'));

-- How a connection is checked, and what was found. Each has a chain of jobs of its own: `job_id` is its next link, and
-- a job that is not the link of now was cut off and does nothing.
create table health (
  tenant_id     uuid not null,
  connection_id uuid not null,
  every_s       int default 300, -- null: not checked
  timeout_ms    int not null default 10000,
  path          text, -- null: the provider's own test
  statuses      int[], -- null: any 2xx
  status        text not null default 'unknown' check (status in ('unknown', 'healthy', 'degraded', 'unhealthy')),
  streak        int not null default 0, -- checks in a row that went well; below zero, that did not
  note          text,
  since         timestamptz not null default now(),
  job_id        uuid,
  primary key (tenant_id, connection_id)
);
call isolate('health');
grant select, insert, update, delete on health to trilho_app;

create table health_check (
  tenant_id     uuid not null,
  connection_id uuid not null,
  id            uuid not null,
  result        text not null check (result in ('well', 'slow', 'failed')),
  latency_ms    int not null,
  note          text,
  call_id       uuid not null,
  primary key (tenant_id, connection_id, id)
);
call isolate('health_check');
grant select, insert, delete on health_check to trilho_app;

-- Wherever a connection is made, enabled again or deleted, its checks begin and end in the same commit.
create function watch_health() returns trigger language plpgsql as $$
declare
  link uuid := gen_random_uuid();
begin
  if tg_op = 'DELETE' then
    delete from health_check where tenant_id = old.tenant_id and connection_id = old.id;
    delete from health where tenant_id = old.tenant_id and connection_id = old.id;
    return null;
  end if;
  insert into health as h (tenant_id, connection_id, job_id) values (new.tenant_id, new.id, link)
    on conflict (tenant_id, connection_id) do update
      set job_id = link, status = 'unknown', streak = 0, note = null, since = now() where h.every_s is not null;
  insert into job (tenant_id, id, kind, payload, due)
    select tenant_id, link, 'health.check', jsonb_build_object('connection_id', connection_id), now() + every_s * (0.9 + 0.2 * random()) * interval '1 s'
      from health where tenant_id = new.tenant_id and connection_id = new.id and job_id = link;
  return null;
end
$$;
create trigger watch_health after insert or delete on connection for each row execute function watch_health();
create trigger watch_health_again after update of state on connection for each row
  when (new.state = 'enabled' and old.state <> 'enabled') execute function watch_health();

-- Those that were there before.
with watched as (insert into health (tenant_id, connection_id, job_id)
                 select tenant_id, id, gen_random_uuid() from connection where state = 'enabled'
                 returning tenant_id, connection_id, job_id, every_s)
insert into job (tenant_id, id, kind, payload, due)
select tenant_id, job_id, 'health.check', jsonb_build_object('connection_id', connection_id), now() + every_s * (0.9 + 0.2 * random()) * interval '1 s' from watched;
