/** What the rules know of this house. A line here is a decision; give it its reason. */

/** The areas of server/, and whom each may import besides itself. */
export const AREAS: Record<string, string[]> = {
  main: ['cli', 'http', 'modules', 'providers', 'sandbox', 'kit', 'platform'],
  cli: ['main', 'http', 'modules', 'providers', 'sandbox', 'kit', 'platform'],
  http: ['modules', 'kit', 'platform'],
  modules: ['kit', 'platform'],
  providers: ['kit', 'platform'],
  sandbox: ['platform'],
  kit: ['platform'],
  platform: [],
}

/** Folders whose files are doors themselves; their subfolders have one door each. */
export const OPEN_FOLDERS = [
  'server',
  'server/cli',
  'server/kit',
  'server/kit/auth', // one file per kind
  'server/kit/brazil', // one file per paper
  'server/kit/signatures', // one file per scheme
  'server/kit/transports', // one file per protocol
  'server/modules',
  'server/platform',
  'server/providers',
]

/** Files besides a folder's door that may be imported from outside it, and by whom. */
export const SIDE_DOORS: { file: RegExp; from: RegExp; because: string }[] = [
  {
    file: /^server\/modules\/\w+\/routes\.ts$/,
    from: /^server\/(assemble\.ts|http\/)/,
    because: 'mounts them',
  },
  { file: /^server\/modules\/\w+\/jobs\.ts$/, from: /^server\/assemble\.ts$/, because: 'registers them' },
  {
    file: /^server\/providers\/\w+\/provider\.ts$/,
    from: /^server\/providers\/index\.ts$/,
    because: 'the list',
  },
  {
    file: /^server\/platform\/database\/(embedded|migrate)\.ts$/,
    from: /^server\/cli\//,
    because: 'a command starts fast: it loads no more than it needs',
  },
  { file: /^server\/modules\/\w+\/schema\.ts$/, from: /^server\/cli\//, because: 'the shapes of the wire' },
  { file: /^server\/platform\/database\/tables\.ts$/, from: /^server\//, because: 'types only' },
]

/** A room may use the rooms before it. New rooms stand between inbound and reactions. */
export const ROOMS = [
  'app',
  'wire',
  'tenants',
  'people',
  'mappings',
  'connections',
  'metrics',
  'replays',
  'outbound',
  'events',
  'portal',
  'operations',
  'calls',
  'batches',
  'health',
  'inbound',
  'payments',
  'cards',
  'transfers',
  'alerts',
  'banking',
  'overview',
  'live',
  'stories',
  'tools',
  'reactions',
]

/** Whose table it is: the only file (or files, by a pattern) of the server that may name it in SQL. */
export const TABLES: Record<string, string> = {
  alert: 'server/modules/alerts/queries.ts',
  alert_pending: 'server/modules/alerts/queries.ts',
  alert_rule: 'server/modules/alerts/queries.ts',
  api_key: 'server/modules/tenants/queries.ts',
  attempt: 'server/modules/outbound/*queries.ts',
  audit: 'server/modules/tenants/queries.ts',
  bank: 'server/modules/banking/*queries.ts',
  bank_account: 'server/modules/banking/*queries.ts',
  bank_sync: 'server/modules/banking/*queries.ts',
  bank_sync_page: 'server/modules/banking/*queries.ts',
  bank_sync_queue: 'server/modules/banking/*queries.ts',
  bank_transaction: 'server/modules/banking/*queries.ts',
  batch: 'server/modules/batches/queries.ts',
  bank_consent: 'server/modules/banking/*queries.ts',
  breaker: 'server/modules/calls/breaker_queries.ts',
  cache_policy: 'server/modules/calls/cache_queries.ts',
  cached_answer: 'server/modules/calls/cache_queries.ts',
  call: 'server/modules/calls/*queries.ts',
  call_attempt: 'server/modules/calls/*queries.ts',
  call_body: 'server/modules/calls/body_queries.ts',
  call_unsettled: 'server/modules/calls/settle_queries.ts',
  call_mapping: 'server/modules/calls/mapping_queries.ts',
  call_queue: 'server/modules/calls/deferred_work.ts',
  card: 'server/modules/cards/*queries.ts',
  card_authorization: 'server/modules/cards/*queries.ts',
  card_decision: 'server/modules/cards/*queries.ts',
  card_move: 'server/modules/cards/*queries.ts',
  card_rule: 'server/modules/cards/rule_queries.ts',
  card_transaction: 'server/modules/cards/*queries.ts',
  connection: 'server/modules/connections/queries.ts',
  connection_token: 'server/modules/connections/token_queries.ts',
  connection_cache: 'server/modules/calls/cache_queries.ts',
  data_key: 'server/platform/vault/queries.ts',
  deferred_call: 'server/modules/calls/deferred_queries.ts',
  delivery: 'server/modules/outbound/*queries.ts',
  delivery_lane: 'server/modules/outbound/*queries.ts',
  delivery_line: 'server/modules/outbound/*queries.ts',
  delivery_queue: 'server/modules/outbound/*queries.ts',
  dispute: 'server/modules/payments/*queries.ts',
  event: 'server/modules/events/queries.ts',
  event_type: 'server/modules/events/queries.ts',
  external_id: 'server/modules/events/queries.ts',
  health: 'server/modules/health/queries.ts',
  health_check: 'server/modules/health/queries.ts',
  idempotency_key: 'server/modules/tenants/queries.ts',
  inbox: 'server/modules/inbound/*queries.ts',
  inbox_lane: 'server/modules/inbound/*queries.ts',
  inbox_queue: 'server/modules/inbound/*queries.ts',
  inbox_replay: 'server/modules/inbound/replay_queries.ts',
  inbox_seen: 'server/modules/inbound/queries.ts',
  job: 'server/platform/jobs/queries.ts',
  limit_usage: 'server/modules/calls/limit_queries.ts',
  mapping: 'server/modules/mappings/queries.ts',
  mapping_use: 'server/modules/mappings/queries.ts',
  member: 'server/modules/people/*queries.ts',
  metric: 'server/modules/metrics/queries.ts',
  migration: 'server/platform/database/migrate.ts',
  oauth_client: 'server/modules/tenants/queries.ts',
  oauth_state: 'server/modules/connections/token_queries.ts',
  operation: 'server/modules/operations/queries.ts',
  person: 'server/modules/people/*queries.ts',
  person_identity: 'server/modules/people/*queries.ts',
  person_link: 'server/modules/people/*queries.ts',
  person_session: 'server/modules/people/*queries.ts',
  payment: 'server/modules/payments/*queries.ts',
  payment_move: 'server/modules/payments/*queries.ts',
  payment_route: 'server/modules/payments/*queries.ts',
  payment_try: 'server/modules/payments/*queries.ts',
  portal_link: 'server/modules/portal/queries.ts',
  quarantine: 'server/modules/inbound/quarantine_queries.ts',
  rate_limit: 'server/modules/calls/limit_queries.ts',
  rate_window: 'server/modules/calls/limit_queries.ts',
  reconciliation: 'server/modules/payments/*queries.ts',
  reconciliation_difference: 'server/modules/payments/*queries.ts',
  refund: 'server/modules/payments/*queries.ts',
  replay: 'server/modules/outbound/*queries.ts',
  schedule: 'server/platform/jobs/queries.ts',
  secret: 'server/platform/vault/queries.ts',
  security_event: 'server/modules/inbound/quarantine_queries.ts',
  sign_in_failure: 'server/modules/people/*queries.ts',
  sign_in_provider: 'server/modules/people/*queries.ts',
  source: 'server/modules/inbound/*queries.ts',
  source_catch_up: 'server/modules/inbound/*queries.ts',
  source_registration: 'server/modules/inbound/*queries.ts',
  subscription: 'server/modules/outbound/*queries.ts',
  subscription_counter: 'server/modules/outbound/*queries.ts',
  subscription_rate: 'server/modules/outbound/*queries.ts',
  subscription_permit: 'server/modules/outbound/*queries.ts',
  subscription_failing: 'server/modules/outbound/*queries.ts',
  tenant: 'server/modules/tenants/queries.ts',
  transfer: 'server/modules/transfers/*queries.ts',
  transfer_move: 'server/modules/transfers/*queries.ts',
  transfer_policy: 'server/modules/transfers/policy_queries.ts',
  traffic: 'server/modules/metrics/traffic_queries.ts',
  source_tally: 'server/modules/metrics/source_queries.ts',
  vendor_limit: 'server/modules/calls/limit_queries.ts',
}

/** Where a socket may be opened or listened on. */
export const SOCKET_FOLDERS = [
  'server/platform/egress/',
  'server/platform/database/',
  'server/platform/redis/',
  'server/kit/transports/',
  'server/kit/destinations/', // sockets to brokers, over those of egress
  'server/http/',
  'server/sandbox/',
  'server/cli/', // speaks to our own API
]

/** Modules that open sockets, and the few names in them that do not. */
export const SOCKET_MODULES =
  /^(node:)?(net|http|https|http2|tls|dgram)$|^(undici|pg|ws|ssh2|nodemailer|imapflow|@redis\/client)$/
export const HARMLESS_NAMES = /^(type .*|isIP|isIPv4|isIPv6|BlockList|SocketAddress|STATUS_CODES|METHODS)$/

export const MAX_FILE_LINES = 300
export const MAX_FUNCTION_LINES = 60

/** Longer than the house likes, with the reason. A function is `file#name`. */
export const LONG: Record<string, string> = {
  'server/http/auth.ts#createAuth': 'one memory of callers, and the functions that share it',
  'server/modules/tenants/queries.ts': 'every statement of the room, and the idempotency keys',
  'server/platform/database/line.ts#openLine': 'the state of one connection, and the functions that share it',
  'server/platform/database/tables.ts': 'printed',
  'server/platform/queue.ts#startLoop': 'the state of one loop, and the functions that share it',
}
