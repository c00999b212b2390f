-- What the administrator of the installation sees of its people, and may do to one of them in all tenants at once.
alter table person
  add column state   text not null default 'active' check (state in ('active', 'suspended')), -- suspended: nobody comes in
  add column seen_at timestamptz; -- when they last asked, to some minutes; it outlives the sessions

update person p
   set seen_at = greatest(p.signed_in_at, (select max(s.seen_at) from person_session s
                                            where s.tenant_id = p.tenant_id and s.person_id = p.id));

-- The places of a page of people, in whatever state, for the administrator of the installation alone.
create function memberships_of_people(people uuid[])
  returns table (person_id uuid, tenant_id uuid, member_id uuid, role text, state text, name text)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select m.person_id, m.tenant_id, m.id, m.role, m.state, t.name
       from unnest(people) p(id) join public.member m on m.person_id = p.id join public.tenant t on t.id = m.tenant_id
      order by m.person_id, m.tenant_id $$;

grant create on schema public to trilho_gate;
alter function memberships_of_people(uuid[]) owner to trilho_gate;
revoke create on schema public from trilho_gate;
revoke execute on function memberships_of_people(uuid[]) from public;
grant execute on function memberships_of_people(uuid[]) to trilho_app;
