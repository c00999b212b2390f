-- Of which calls of a connection an event tells: of none, unless somebody asks, since there may be very many.
alter table connection add column call_events text not null default 'none'
  check (call_events in ('none', 'failures', 'all'));
