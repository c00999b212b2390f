-- A transfer waits for a second person only so long. One made by a process of before waits as it did then: without an end.
alter table transfer_policy
  add column approve_within_days int not null default 7 check (approve_within_days between 1 and 90);
alter table transfer add column approve_by timestamptz; -- until when somebody may let it go; null: nobody has to

-- What waits already has the usual time from now on.
with waiting as (
  update transfer set approve_by = now() + interval '7 days', job_id = gen_random_uuid()
   where status = 'awaiting_approval'
  returning tenant_id, id, job_id, approve_by)
insert into job (tenant_id, id, kind, payload, due)
select tenant_id, job_id, 'transfers.settle',
       jsonb_build_object('transfer_id', id, 'tries', 0, 'denied', 0, 'looks', 0), approve_by
  from waiting;

-- Where people may act is for the administrator of the installation alone: whoever asks from elsewhere is shown nothing.
create or replace function memberships_of_people(people uuid[])
  returns table (person_id uuid, tenant_id uuid, member_id uuid, role text, state text, name text)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select m.person_id, m.tenant_id, m.id, m.role, m.state, t.name
       from unnest(people) p(id) join public.member m on m.person_id = p.id join public.tenant t on t.id = m.tenant_id
      where '00000000-0000-0000-0000-000000000000' = any ((select public.current_tenants())::uuid[])
      order by m.person_id, m.tenant_id $$;

-- Whose a bank was is personal: what was done to it is kept, and by whom.
update audit set detail = detail - 'user_id' where action = 'bank.delete' and detail ? 'user_id';
