-- What a subscription sends in place of the event, how many turns it gets, and who made it.
alter table subscription
  add column payload    text, -- JSON text: {"template": …} or {"expression": …}
  add column weight     smallint not null default 1 check (weight between 1 and 100),
  add column created_by text; -- the actor's id on the wire; null where nobody wrote it down

-- What was sent, where a subscription makes it of the event; null where it is the event as it is.
alter table attempt add column request_body bytea;
