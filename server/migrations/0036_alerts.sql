-- What a tenant wants to be told of when it goes wrong. A rule for one connection stands in place of those for all.
create table alert_rule (
  tenant_id     uuid not null references tenant (id),
  id            uuid not null,
  kind          text not null check (kind in ('success_rate', 'latency', 'breaker_open', 'connection_unhealthy', 'limit_near', 'backlog_age',
                            'deliveries_exhausted', 'subscription_disabled', 'credential_expiring', 'quarantined',
                            'unknown_outcomes', 'disk_low')),
  name          text check (length(name) between 1 and 100), -- null: what its kind is called
  connection_id uuid, -- null: each one that has no rule of its own
  severity      text not null check (severity in ('info', 'warning', 'critical')),
  threshold     float8, -- in the unit of the kind; null where there is nothing to measure
  minutes       int check (minutes between 0 and 1440), -- looked back, or for how long it has to last, as the kind has it
  least_calls   int check (least_calls between 1 and 1000000), -- fewer say nothing
  enabled       boolean not null default true,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, connection_id) references connection on delete cascade
);
call isolate('alert_rule');
grant select, insert, update, delete on alert_rule to trilho_app;
call open_to_worker('alert_rule', 'select');

-- One thing that is, or was, out of line. What it was measured by is kept as it was when it fired.
create table alert (
  tenant_id       uuid not null,
  id              uuid not null, -- its time is when it fired
  rule_id         uuid not null,
  kind            text not null check (kind in ('success_rate', 'latency', 'breaker_open', 'connection_unhealthy', 'limit_near', 'backlog_age',
                            'deliveries_exhausted', 'subscription_disabled', 'credential_expiring', 'quarantined',
                            'unknown_outcomes', 'disk_low')),
  severity        text not null check (severity in ('info', 'warning', 'critical')),
  subject         text not null, -- what it is about, as on the wire; '' for the tenant as a whole
  subject_name    text, -- as it was called then
  threshold       float8,
  minutes         int,
  value           float8 not null, -- as last measured
  note            text,
  state           text not null default 'firing' check (state in ('firing', 'acknowledged', 'resolved')),
  acknowledged_at timestamptz,
  acknowledged_by text,
  muted_until     timestamptz, -- nobody is told anything of this rule and subject before
  resolved_at     timestamptz,
  primary key (tenant_id, id)
) with (fillfactor = 80);
create unique index on alert (tenant_id, rule_id, subject) where state <> 'resolved';
create index on alert (tenant_id, id) where state <> 'resolved';
create index on alert (tenant_id, state, id);
create index on alert (tenant_id, rule_id, subject, muted_until) where muted_until is not null;
create index on alert (resolved_at) where state = 'resolved'; -- emptied by age
call isolate('alert');
grant select, insert, update on alert to trilho_app;
call open_to_worker('alert', 'select, delete');

-- What is out of line, and not yet for long enough.
create table alert_pending (
  tenant_id uuid not null,
  rule_id   uuid not null,
  subject   text not null,
  kind      text not null check (kind in ('success_rate', 'latency', 'breaker_open', 'connection_unhealthy', 'limit_near', 'backlog_age',
                            'deliveries_exhausted', 'subscription_disabled', 'credential_expiring', 'quarantined',
                            'unknown_outcomes', 'disk_low')),
  since     timestamptz not null,
  primary key (tenant_id, rule_id, subject)
);
call isolate('alert_pending');
grant select, insert, delete on alert_pending to trilho_app;
call open_to_worker('alert_pending', 'select');

-- What every tenant begins with. How full the disk is concerns the installation, and nothing else does.
create function default_alert_rules(t uuid) returns void language sql as $$
  insert into alert_rule (tenant_id, id, kind, severity, threshold, minutes, least_calls, enabled)
  select t, (left(v7_floor(clock_timestamp())::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid,
         kind, severity, threshold, minutes, least_calls, enabled
    from (values ('success_rate', 'warning', 95::float8, 15, 20, true),
                 ('latency', 'warning', 5000, 15, 20, false),
                 ('breaker_open', 'critical', null, 1, null, true),
                 ('connection_unhealthy', 'critical', null, 5, null, true),
                 ('limit_near', 'warning', 90, null, null, true),
                 ('backlog_age', 'critical', 5, null, null, true),
                 ('deliveries_exhausted', 'warning', 1, 60, null, true),
                 ('subscription_disabled', 'warning', null, 0, null, true),
                 ('credential_expiring', 'warning', 14, null, null, true),
                 ('quarantined', 'warning', 10, 60, null, true),
                 ('unknown_outcomes', 'critical', 1, 60, null, true),
                 ('disk_low', 'critical', 10, null, null, true)) r(kind, severity, threshold, minutes, least_calls, enabled)
   where (kind = 'disk_low') = (t = '00000000-0000-0000-0000-000000000000')
$$;
create function begin_alert_rules() returns trigger language plpgsql as $$
begin
  perform default_alert_rules(new.id);
  return null;
end
$$;
create trigger begin_alert_rules after insert on tenant for each row execute function begin_alert_rules();
select default_alert_rules(id) from tenant;

-- Read of all tenants together, once a minute.
create index on connection (tenant_id, id) where health = 'unhealthy' and state = 'enabled';
create index on subscription (tenant_id, id) where state = 'disabled' and state_note is not null;
create index on api_key (expires_at) where expires_at is not null and revoked_at is null;
