-- What protects a vendor from us and us from a vendor: how much a connection may ask, and whether it is asked at all.
alter table connection add column limits jsonb not null default '{}';

-- The circuit breaker of a connection. No row is a breaker that never opened.
create table breaker (
  tenant_id       uuid not null,
  connection_id   uuid not null,
  state           text not null check (state in ('closed', 'open', 'half_open')),
  successes       int not null default 0, -- of probes, since it opened
  reason          text not null, -- of the state, in words
  opened_at       timestamptz,
  next_attempt_at timestamptz, -- null while open: opened by hand, until closed by hand
  probe           uuid, -- the attempt that is under way alone
  probe_until     timestamptz, -- past this its process is taken for dead
  version         int not null default 1,
  primary key (tenant_id, connection_id)
);
call isolate('breaker');
grant select, insert, update, delete on breaker to trilho_app;
call open_to_worker('breaker', 'select, insert, update');

-- The calls of one period of a connection, counted in slots, a ring. One slot more than the period and its edge is
-- kept, so that calls which take up to a slot to arrive are still within the limit as the vendor counts it.
create table rate_window (
  tenant_id     uuid not null,
  connection_id uuid not null,
  per_s         int not null,
  head          bigint not null default 0, -- the newest slot, counted from 1970
  taken         int[] not null,
  paused_until  timestamptz, -- the vendor asked to wait
  primary key (tenant_id, connection_id, per_s)
) with (fillfactor = 50);
call isolate('rate_window');
grant select, insert, update, delete on rate_window to trilho_app;
call open_to_worker('rate_window', 'select, insert, update');

-- Milliseconds: a second for a minute, a minute for an hour; a twentieth of what is shorter.
create function rate_slot_ms(per_s int) returns bigint language sql immutable strict parallel safe as
  $$ select case when per_s >= 60 then per_s * 1000::bigint / 60 else per_s * 50::bigint end $$;

create function rate_slots(per_s int) returns int language sql immutable strict parallel safe as
  $$ select case when per_s >= 60 then 62 else 22 end $$;

-- Takes up to `want` calls of all periods at once (`periods` ascending, `most` beside it), to be made within
-- `ends_ms`. `back` calls taken at `back_at` and never made are given back first. None left: `wait_ms` says how long
-- until there is one. The rows are locked, then the time is read: it never goes back.
create function take_calls(t uuid, c uuid, periods int[], most int[], want int, back int, back_at bigint)
  returns table (granted int, at_ms bigint, ends_ms int, wait_ms bigint) language plpgsql as $$
declare
  w rate_window;
  ring rate_window[];
  slot_ms bigint; slot bigint; oldest bigint; slots int; room int; pause_ms bigint;
begin
  for w in select * from rate_window r where r.tenant_id = t and r.connection_id = c and r.per_s = any (periods) order by r.per_s for update loop
    ring := ring || w;
  end loop;
  if cardinality(ring) is distinct from cardinality(periods) then
    insert into rate_window (tenant_id, connection_id, per_s, taken)
      select t, c, p, array_fill(0, array[rate_slots(p)]) from unnest(periods) p order by p on conflict do nothing;
    return query select * from take_calls(t, c, periods, most, want, back, back_at);
    return;
  end if;
  granted := want;
  wait_ms := 0;
  at_ms := greatest((extract(epoch from clock_timestamp()) * 1000)::bigint,
                    (select max(r.head * rate_slot_ms(r.per_s)) from unnest(ring) r));
  for i in 1 .. cardinality(ring) loop
    w := ring[i];
    slot_ms := rate_slot_ms(w.per_s);
    slots := cardinality(w.taken);
    slot := at_ms / slot_ms;
    oldest := slot - slots + 1;
    for n in 0 .. least(slots, slot - w.head) - 1 loop w.taken[(slot - n) % slots + 1] := 0; end loop;
    if back > 0 and back_at / slot_ms between oldest and slot then
      w.taken[back_at / slot_ms % slots + 1] := greatest(0, w.taken[back_at / slot_ms % slots + 1] - back);
    end if;
    w.head := slot;
    ring[i] := w;
    room := most[i] - (select sum(n) from unnest(w.taken) n);
    granted := greatest(0, least(granted, room));
    ends_ms := least(ends_ms, (slot + 1) * slot_ms - at_ms);
    if room <= 0 then
      while oldest < slot and w.taken[oldest % slots + 1] = 0 loop oldest := oldest + 1; end loop;
      wait_ms := greatest(wait_ms, (oldest + slots) * slot_ms - at_ms);
    end if;
    pause_ms := extract(epoch from w.paused_until) * 1000 - at_ms;
    if pause_ms > 0 then
      granted := 0;
      wait_ms := greatest(wait_ms, pause_ms);
    end if;
  end loop;
  for i in 1 .. cardinality(ring) loop
    w := ring[i];
    slots := cardinality(w.taken);
    w.taken[w.head % slots + 1] := w.taken[w.head % slots + 1] + granted;
    update rate_window r set head = w.head, taken = w.taken where r.tenant_id = t and r.connection_id = c and r.per_s = w.per_s;
  end loop;
  return next;
end
$$;

-- A connection that is deleted takes them with it.
create function drop_guards() returns trigger language plpgsql as $$
begin
  delete from breaker where tenant_id = old.tenant_id and connection_id = old.id;
  delete from rate_window where tenant_id = old.tenant_id and connection_id = old.id;
  return null;
end
$$;
create trigger drop_guards after delete on connection for each row execute function drop_guards();
