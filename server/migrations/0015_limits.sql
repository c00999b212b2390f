-- Limits on every level (operation, connection, tenant, installation), in calls and in bytes; what vendors say of
-- theirs; failures that all servers count together.

-- A ring is counted for a place: an operation of a connection, a connection, a tenant (connection 0) or the
-- installation (tenant 0).
alter table rate_window
  add column operation text not null default '', -- one with limits of its own; '' is all of the connection
  add column unit text not null default 'calls' check (unit in ('calls', 'bytes')),
  alter column taken type bigint[],
  drop column paused_until,
  drop constraint rate_window_pkey,
  add primary key (tenant_id, connection_id, operation, unit, per_s);

-- What the vendor said of its own limits. No row is a vendor that said nothing.
create table vendor_limit (
  tenant_id     uuid not null,
  connection_id uuid not null,
  operation     text not null default '',
  paused_until  timestamptz, -- it asked to wait
  remaining     bigint, -- calls it still takes until resets_at
  resets_at     timestamptz,
  primary key (tenant_id, connection_id, operation)
) with (fillfactor = 50);
call isolate('vendor_limit');
grant select, insert, update, delete on vendor_limit to trilho_app;
call open_to_worker('vendor_limit', 'select, insert, update, delete');
grant delete on rate_window to trilho_worker;

-- What a tenant sets for all of its connections; tenant 0 is the installation.
create table rate_limit (
  tenant_id  uuid primary key,
  rates      jsonb not null default '[]',
  updated_at timestamptz not null default now()
);
call isolate('rate_limit');
grant select, insert, update, delete on rate_limit to trilho_app;
call open_to_worker('rate_limit', 'select');

-- What was used of the limits in each hour, for reports. Kept when the connection goes: it is part of the tenant's sum.
create table limit_usage (
  tenant_id     uuid not null,
  connection_id uuid not null,
  hour          timestamptz not null,
  calls         bigint not null,
  bytes         bigint not null,
  refused       bigint not null,
  primary key (tenant_id, hour, connection_id)
);
create index on limit_usage (tenant_id, connection_id, hour);
call isolate('limit_usage');
grant select on limit_usage to trilho_app;
call open_to_worker('limit_usage', 'select, insert, update, delete');

-- Failures in a row while closed, of all servers together. Version 0 is a breaker that never opened.
alter table breaker
  add column failures int not null default 0,
  add column last_failure_at timestamptz,
  add column changed_at timestamptz not null default now();

-- Takes up to `want` calls of all rings at once, to be made within `ends_ms`. The rings come in arrays beside one
-- another, in one order for all who ask, since they are locked in it: place, unit, period and how much of it is
-- allowed. First `back` calls, taken at `back_at` and never made, are given back, and `bytes` that have gone over the
-- wire are counted (less than 0: fewer than were counted before). None left: `wait_ms` says how long until there is one, and `by_ring` which ring has to wait (0: the
-- vendor said so). `room` is what the rings of the connection and the vendor still allow after this, `bytes_room` the
-- bytes of all rings; null where no ring counts such. The time is read when all is locked: it never goes back.
-- One look-up by key for each ring: a join of them all took seven times as long.
create function take_rates(t uuid[], c uuid[], o text[], u text[], p int[], most bigint[],
                           want int, back int, back_at bigint, bytes bigint)
  returns table (granted int, at_ms bigint, ends_ms int, wait_ms bigint, by_ring int, room bigint, bytes_room bigint)
  language plpgsql as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  ring rate_window[];
  own int := 1; -- a ring of the connection
  is_counted boolean := false; -- by the vendor
  w rate_window; v vendor_limit;
  slot_ms bigint; slot bigint; oldest bigint; slots int; n bigint; left_of bigint; wait bigint;
begin
  at_ms := 0;
  for i in 1 .. cardinality(t) loop
    loop -- one after the other, whether they are there or not: nobody waits in a circle
      select * into w from rate_window r
       where r.tenant_id = t[i] and r.connection_id = c[i] and r.operation = o[i] and r.unit = u[i] and r.per_s = p[i] for update;
      exit when found;
      insert into rate_window (tenant_id, connection_id, operation, unit, per_s, taken)
        values (t[i], c[i], o[i], u[i], p[i], array_fill(0::bigint, array[rate_slots(p[i])])) on conflict do nothing;
    end loop;
    ring[i] := w;
    at_ms := greatest(at_ms, w.head * rate_slot_ms(w.per_s));
    if c[i] <> nobody then own := i; end if;
  end loop;
  granted := want;
  wait_ms := 0;
  at_ms := greatest(at_ms, (extract(epoch from clock_timestamp()) * 1000)::bigint);
  for i in 1 .. cardinality(t) loop
    w := ring[i];
    slot_ms := rate_slot_ms(w.per_s);
    slots := cardinality(w.taken);
    slot := at_ms / slot_ms;
    oldest := slot - slots + 1;
    for n in 0 .. least(slots, slot - w.head) - 1 loop w.taken[(slot - n) % slots + 1] := 0; end loop;
    w.head := slot;
    if w.unit = 'bytes' then
      w.taken[slot % slots + 1] := greatest(0, w.taken[slot % slots + 1] + bytes);
    elsif back > 0 and back_at / slot_ms between oldest and slot then
      w.taken[back_at / slot_ms % slots + 1] := greatest(0, w.taken[back_at / slot_ms % slots + 1] - back);
    end if;
    ring[i] := w;
    left_of := most[i];
    foreach n in array w.taken loop left_of := left_of - n; end loop;
    ends_ms := least(ends_ms, (slot + 1) * slot_ms - at_ms);
    if w.unit = 'bytes' then bytes_room := least(bytes_room, greatest(0, left_of));
    else
      granted := greatest(0, least(granted, left_of));
      if w.connection_id <> nobody then room := least(room, greatest(0, left_of)); end if;
    end if;
    if left_of <= 0 then
      granted := 0;
      while left_of <= 0 and oldest <= slot loop
        left_of := left_of + w.taken[oldest % slots + 1];
        oldest := oldest + 1;
      end loop;
      wait := (oldest - 1 + slots) * slot_ms - at_ms;
      if wait > wait_ms then wait_ms := wait; by_ring := i; end if;
    end if;
  end loop;
  for v in
    select * from vendor_limit l
     where l.tenant_id = t[own] and l.connection_id = c[own] and l.operation = any (o) order by l.operation for update
  loop
    wait := 0;
    if extract(epoch from v.resets_at) * 1000 > at_ms then
      is_counted := true;
      granted := least(granted, v.remaining);
      room := least(room, v.remaining);
      if v.remaining <= 0 then wait := extract(epoch from v.resets_at) * 1000 - at_ms; end if;
    end if;
    wait := greatest(wait, (extract(epoch from v.paused_until) * 1000)::bigint - at_ms);
    if wait > 0 then
      granted := 0;
      if wait > wait_ms then wait_ms := wait; by_ring := 0; end if;
    end if;
  end loop;
  room := room - granted;
  if granted > 0 or back > 0 or bytes <> 0 then
    for i in 1 .. cardinality(t) loop
      w := ring[i];
      slots := cardinality(w.taken);
      if w.unit = 'calls' then w.taken[w.head % slots + 1] := w.taken[w.head % slots + 1] + granted; end if;
      update rate_window r set head = w.head, taken = w.taken
       where r.tenant_id = t[i] and r.connection_id = c[i] and r.operation = o[i] and r.unit = u[i] and r.per_s = p[i];
    end loop;
  end if;
  if granted > 0 and is_counted then
    update vendor_limit l set remaining = l.remaining - granted
     where l.tenant_id = t[own] and l.connection_id = c[own] and l.operation = any (o) and l.resets_at > clock_timestamp();
  end if;
  return next;
end
$$;

-- Adds what was taken while Redis counted: of a ring, in one of its slots. In the order of `take_rates`.
create function add_rates(t uuid[], c uuid[], o text[], u text[], p int[], slot bigint[], n bigint[])
  returns void language plpgsql as $$
declare
  w rate_window; slots int; newest bigint;
begin
  for i in 1 .. cardinality(t) loop
    insert into rate_window (tenant_id, connection_id, operation, unit, per_s, taken)
      values (t[i], c[i], o[i], u[i], p[i], array_fill(0::bigint, array[rate_slots(p[i])])) on conflict do nothing;
    select * into w from rate_window r
     where r.tenant_id = t[i] and r.connection_id = c[i] and r.operation = o[i] and r.unit = u[i] and r.per_s = p[i] for update;
    slots := cardinality(w.taken);
    newest := greatest(w.head, slot[i]);
    for k in 0 .. least(slots, newest - w.head) - 1 loop w.taken[(newest - k) % slots + 1] := 0; end loop;
    if slot[i] > newest - slots then
      w.taken[slot[i] % slots + 1] := greatest(0, w.taken[slot[i] % slots + 1] + n[i]);
    end if;
    update rate_window r set head = newest, taken = w.taken
     where r.tenant_id = t[i] and r.connection_id = c[i] and r.operation = o[i] and r.unit = u[i] and r.per_s = p[i];
  end loop;
end
$$;

-- For servers of 0.1 that still run while this one starts.
create or replace function take_calls(t uuid, c uuid, periods int[], most int[], want int, back int, back_at bigint)
  returns table (granted int, at_ms bigint, ends_ms int, wait_ms bigint) language sql as $$
  select r.granted, r.at_ms, r.ends_ms, r.wait_ms
    from take_rates(array_fill(t, array[cardinality(periods)]), array_fill(c, array[cardinality(periods)]),
                    array_fill(''::text, array[cardinality(periods)]), array_fill('calls'::text, array[cardinality(periods)]),
                    periods, most::bigint[], want, back, back_at, 0) r
$$;

create or replace function drop_guards() returns trigger language plpgsql as $$
begin
  delete from breaker where tenant_id = old.tenant_id and connection_id = old.id;
  delete from rate_window where tenant_id = old.tenant_id and connection_id = old.id;
  delete from vendor_limit where tenant_id = old.tenant_id and connection_id = old.id;
  return null;
end
$$;
