-- A check that cannot be sent makes no call.
alter table health_check alter column call_id drop not null;
