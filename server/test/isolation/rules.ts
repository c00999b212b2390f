import type { Pool } from 'pg'

/**
 * What the catalog must say for tenants to be apart. These lists are decisions: a table, a function or a right that
 * is not named here is a leak until somebody has thought about it and written it down.
 */

/** Tables that are the whole installation's and hold nothing of any tenant. */
const GLOBAL_TABLES = ['migration']

/** Records of the crossing and their queues: the worker serves every tenant. */
const CROSSING = [
  'alert',
  'alert_pending',
  'alert_rule',
  'attempt',
  'bank_sync_queue',
  'batch',
  'breaker',
  'bank_consent',
  'cache_policy',
  'card',
  'card_authorization',
  'card_decision',
  'card_move',
  'card_transaction',
  'cached_answer',
  'call',
  'call_attempt',
  'call_body',
  'call_queue',
  'call_unsettled',
  'deferred_call',
  'connection_token',
  'connection_cache',
  'delivery',
  'delivery_lane',
  'delivery_line',
  'delivery_queue',
  'dispute',
  'event',
  'external_id',
  'inbox',
  'inbox_lane',
  'inbox_queue',
  'job',
  'metric',
  'limit_usage',
  'payment',
  'payment_move',
  'refund',
  'rate_limit',
  'rate_window',
  'schedule',
  'source_tally',
  'subscription_counter',
  'subscription_failing',
  'vendor_limit',
  'subscription_rate',
  'subscription_permit',
  'traffic',
]

/** What the door puts in for whoever owns the address; it reads back the keys of `inbox_seen` alone. */
const DOOR = ['inbox', 'inbox_queue', 'inbox_seen', 'quarantine', 'security_event']

/** What is looked up before a tenant is known, through functions that take the secret itself. */
const GATED = ['api_key', 'member', 'oauth_client', 'oauth_state', 'portal_link', 'source', 'tenant']

const GATE_FUNCTIONS = [
  'api_key_by_hash(bytea)',
  'default_sources(text)',
  'is_member_somewhere(uuid)',
  'memberships_of_people(uuid[])',
  'oauth_client_by_client_id(text)',
  'oauth_state_by_hash(bytea)',
  'places_of_person(uuid)',
  'portal_frame(uuid)',
  'portal_link_by_hash(bytea)',
  'source_by_id(uuid)',
  'tenants_page(uuid,integer)',
]

const ROLES = "'trilho_app', 'trilho_gate', 'trilho_ingest', 'trilho_worker'"
const OURS = "'trilho_app', 'trilho_gate', 'trilho_ingest', 'trilho_owner', 'trilho_worker'"

/** Sentences about what is wrong; empty where the catalog keeps tenants apart. */
export async function readLeaks(owner: Pool): Promise<string[]> {
  const found = await Promise.all([
    tableLeaks(owner),
    policyLeaks(owner),
    grantLeaks(owner),
    viewLeaks(owner),
    functionLeaks(owner),
    roleLeaks(owner),
  ])
  return found.flat()
}

type TableRow = { name: string; has_tenant: boolean; rls: boolean; forced: boolean; policies: string[] }

async function tableLeaks(owner: Pool): Promise<string[]> {
  const { rows } = await owner.query<TableRow>(`
    select c.relname as name, c.relrowsecurity as rls, c.relforcerowsecurity as forced,
           c.relname = 'tenant' or exists (select from pg_attribute a
              where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as has_tenant,
           array(select p.polname::text from pg_policy p where p.polrelid = c.oid) as policies
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1`)
  return rows.flatMap(({ name, has_tenant, rls, forced, policies }) => {
    if (!has_tenant)
      return GLOBAL_TABLES.includes(name) ? [] : [`${name} has no tenant_id and is not listed as global`]
    return [
      ...(rls ? [] : [`${name} has no row-level security`]),
      ...(forced ? [] : [`${name} does not force row-level security on its owner`]),
      ...(policies.includes('own') ? [] : [`${name} has no policy "own" for the tenant`]),
      ...(policies.includes('owner')
        ? []
        : [`${name} has no policy for its owner, who would back up no row of it`]),
    ]
  })
}

type PolicyRow = {
  table: string
  name: string
  role: string
  command: string
  using: string | null
  check: string | null
}

async function policyLeaks(owner: Pool): Promise<string[]> {
  const { rows } = await owner.query<PolicyRow>(`
    select c.relname as table, p.polname as name, r.role, p.polcmd as command,
           pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as check
      from pg_policy p join pg_class c on c.oid = p.polrelid
      cross join lateral (select case when o = 0 then 'public' else o::regrole::text end as role from unnest(p.polroles) o) r`)
  return rows
    .filter((policy) => !isDocumented(policy))
    .map(
      ({ table, name, role, using, check }) => `policy ${name} on ${table} lets ${role} at ${using ?? check}`,
    )
}

/** As database.md's table of roles has it. */
function isDocumented({ table, role, command, using, check }: PolicyRow): boolean {
  switch (role) {
    case 'trilho_owner':
      return true
    case 'trilho_app':
      return using === OWN.replace('?', table === 'tenant' ? 'id' : 'tenant_id') && check === null
    case 'trilho_worker':
      return CROSSING.includes(table)
    case 'trilho_ingest':
      return command === 'a' ? DOOR.includes(table) : command === 'r' && table === 'inbox_seen'
    case 'trilho_gate':
      return command === 'r' && GATED.includes(table)
    default:
      return false
  }
}

/** As PostgreSQL prints the policy that `isolate` makes. */
const OWN = '(? = ANY (( SELECT current_tenants() AS current_tenants)::uuid[]))'

async function grantLeaks(owner: Pool): Promise<string[]> {
  const { rows } = await owner.query<{ leak: string }>(`
    select format('%s may %s on the partition %s, where no policy holds', r, lower(what), c.relname) as leak
      from pg_class c, unnest(array[${ROLES}]) r, unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) what
     where c.relnamespace = 'public'::regnamespace and c.relispartition and has_any_column_privilege(r, c.oid, what)
    union all
    select format('%s may %s on %s', grantee, lower(privilege_type), relname)
      from (select c.relname, case when a.grantee = 0 then 'everybody' else a.grantee::regrole::text end as grantee, a.privilege_type
              from pg_class c cross join lateral aclexplode(c.relacl) a
             where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')) g
     where grantee not in (${OURS}) or (grantee <> 'trilho_owner' and privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER'))`)
  return rows.map(({ leak }) => leak)
}

/** A view reads with the rights of who made it, and the owner sees every tenant. */
async function viewLeaks(owner: Pool): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(`
    select relname as name from pg_class
     where relnamespace = 'public'::regnamespace
       and (relkind = 'm' or relkind = 'v' and not 'security_invoker=true' = any (coalesce(reloptions, '{}')))`)
  return rows.map(({ name }) => `the view ${name} reads as its owner, who sees every tenant`)
}

type FunctionRow = { name: string; owner: string; pinned: boolean; is_public: boolean }

async function functionLeaks(owner: Pool): Promise<string[]> {
  const { rows } = await owner.query<FunctionRow>(`
    select p.oid::regprocedure::text as name, p.proowner::regrole::text as owner,
           exists (select from unnest(p.proconfig) c where c like 'search_path=pg_catalog,%') as pinned,
           p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0) as is_public
      from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef`)
  const gone = GATE_FUNCTIONS.filter((name) => !rows.some((row) => row.name === name))
  return [
    ...gone.map((name) => `${name} is listed as a function of the gate and is none`),
    ...rows.flatMap(({ name, owner, pinned, is_public }) => [
      ...(GATE_FUNCTIONS.includes(name)
        ? []
        : [`${name} runs with the rights of ${owner} and is not listed`]),
      ...(owner === 'trilho_gate' ? [] : [`${name} belongs to ${owner}, not to trilho_gate`]),
      ...(pinned ? [] : [`${name} does not pin its search_path`]),
      ...(is_public ? [`${name} may be called by everybody`] : []),
    ]),
  ]
}

async function roleLeaks(owner: Pool): Promise<string[]> {
  const { rows } = await owner.query<{ leak: string }>(`
    select rolname || ' bypasses row-level security' as leak from pg_roles
     where rolname like 'trilho\\_%' and (rolsuper or rolbypassrls)
    union all
    select rolname || ' may log in' from pg_roles where rolname in (${OURS}) and rolcanlogin
    union all
    select format('%s may become %s', a, b) from unnest(array[${ROLES}]) a, unnest(array[${OURS}]) b
     where a <> b and pg_has_role(a, b, 'member')`)
  return rows.map(({ leak }) => leak)
}
