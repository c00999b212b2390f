// Printed from a migrated database by `npm run generate`; edit the migrations instead.
import type { ColumnType } from 'kysely'

/** A column the database fills in where the insert is silent. */
export type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : ColumnType<T, T | undefined, T>
/** Read as a Date; written as a Date or RFC 3339 text. */
export type Timestamp = ColumnType<Date, Date | string, Date | string>
/** Beyond what a JavaScript number holds: read as text. */
export type Bigint = ColumnType<string, string | number | bigint, string | number | bigint>
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
/** Written as JSON text or as an object: the driver would write a bare list as a PostgreSQL array. */
export type Jsonb = ColumnType<Json, string | Record<string, unknown>, string | Record<string, unknown>>

export interface Tables {
  alert: {
    tenant_id: string
    id: string
    rule_id: string
    kind: 'success_rate' | 'latency' | 'breaker_open' | 'connection_unhealthy' | 'limit_near' | 'backlog_age' | 'deliveries_exhausted' | 'subscription_disabled' | 'credential_expiring' | 'quarantined' | 'unknown_outcomes' | 'disk_low'
    severity: 'info' | 'warning' | 'critical'
    subject: string
    subject_name: string | null
    threshold: number | null
    minutes: number | null
    value: number
    note: string | null
    state: Generated<'firing' | 'acknowledged' | 'resolved'>
    acknowledged_at: Timestamp | null
    acknowledged_by: string | null
    muted_until: Timestamp | null
    resolved_at: Timestamp | null
  }
  alert_pending: {
    tenant_id: string
    rule_id: string
    subject: string
    kind: 'success_rate' | 'latency' | 'breaker_open' | 'connection_unhealthy' | 'limit_near' | 'backlog_age' | 'deliveries_exhausted' | 'subscription_disabled' | 'credential_expiring' | 'quarantined' | 'unknown_outcomes' | 'disk_low'
    since: Timestamp
  }
  alert_rule: {
    tenant_id: string
    id: string
    kind: 'success_rate' | 'latency' | 'breaker_open' | 'connection_unhealthy' | 'limit_near' | 'backlog_age' | 'deliveries_exhausted' | 'subscription_disabled' | 'credential_expiring' | 'quarantined' | 'unknown_outcomes' | 'disk_low'
    name: string | null
    connection_id: string | null
    severity: 'info' | 'warning' | 'critical'
    threshold: number | null
    minutes: number | null
    least_calls: number | null
    enabled: Generated<boolean>
    created_at: Generated<Timestamp>
    updated_at: Generated<Timestamp>
  }
  api_key: {
    tenant_id: string
    id: string
    name: string
    hash: Buffer
    hint: string
    environment: 'live' | 'test'
    scopes: string[]
    expires_at: Timestamp | null
    revoked_at: Timestamp | null
    created_at: Generated<Timestamp>
  }
  attempt: {
    tenant_id: string
    id: string
    delivery_id: string
    number: number
    outcome: 'delivered' | 'refused' | 'failed'
    status: number | null
    duration_ms: number
    request_headers: string
    response_headers: string | null
    response_body: Buffer | null
    error: string | null
    timing: string | null
    request_body: Buffer | null
  }
  audit: {
    tenant_id: string
    id: string
    actor: string
    action: string
    target: string
    ip: string | null
    request_id: string | null
    detail: Generated<Jsonb>
    at: Generated<Timestamp>
  }
  bank: {
    tenant_id: string
    id: string
    number: number
    user_id: string
    name: string
    bank_code: string
    provider: string
    connection_id: string | null
    owns_connection: Generated<boolean>
    state: Generated<'active' | 'inactive' | 'error'>
    reason: string | null
    schedule: string | null
    cursor: string | null
    last_synced_at: Timestamp | null
    created_at: Generated<Timestamp>
    updated_at: Generated<Timestamp>
    deleted_at: Timestamp | null
    contract_key: Buffer | null
    environment: 'development' | 'staging' | 'production' | null
    login_id: string | null
    news_at: Timestamp | null
  }
  bank_account: {
    tenant_id: string
    id: string
    bank_id: string
    user_id: string
    vendor_id: string
    kind: string
    name: string | null
    bank_code: string | null
    branch: string | null
    number_masked: string | null
    currency: string
    available: Bigint | null
    current: Bigint | null
    blocked: Bigint | null
    overdraft_limit: Bigint | null
    balance_at: Timestamp | null
    opening: Bigint | null
    drift: Bigint | null
    read_to: string | null
    read_on: string | null
    gone_at: Timestamp | null
    updated_at: Generated<Timestamp>
  }
  bank_consent: {
    tenant_id: string
    id: string
    bank_id: string
    connection_id: string
    user_id: string
    vendor_id: string | null
    state: 'CREATING' | 'AWAITING_AUTHORISATION' | 'AUTHORISED' | 'REJECTED'
    permissions: Jsonb
    rejection: Jsonb | null
    expires_at: Timestamp | null
    authorised_at: Timestamp | null
    look_at: Timestamp | null
    warned_at: Timestamp | null
    created_at: Generated<Timestamp>
    updated_at: Generated<Timestamp>
    let_in_at: Timestamp | null
    revocation: 'pending' | 'heard' | 'failed' | null
  }
  bank_sync: {
    tenant_id: string
    id: string
    bank_id: string
    user_id: string
    state: Generated<'queued' | 'running' | 'succeeded' | 'failed' | 'skipped'>
    cause: 'asked' | 'schedule' | 'news'
    batch_id: string | null
    position: Generated<Jsonb>
    imported: Generated<number>
    updated: Generated<number>
    skipped: Generated<number>
    removed: Generated<number>
    error: string | null
    message: string | null
    started_at: Timestamp | null
    ended_at: Timestamp | null
  }
  bank_sync_page: {
    tenant_id: string
    sync_id: string
    page: number
    items: string
  }
  bank_sync_queue: {
    tenant_id: string
    id: string
    user_id: string
    due: Timestamp
    claim: string | null
    begun: Generated<boolean>
    attempts: Generated<number>
  }
  bank_transaction: {
    tenant_id: string
    id: string
    bank_id: string
    account_id: string
    user_id: string
    vendor_id: string
    ordinal: Generated<number>
    status: 'booked' | 'pending' | 'future'
    amount: Bigint
    currency: string
    exact: string | null
    kind: string
    description: string
    at: Timestamp
    day: string
    is_final: boolean
    category: string | null
    vendor_category: string | null
    counterparty: Jsonb | null
    removed_at: Timestamp | null
    updated_at: Generated<Timestamp>
  }
  batch: {
    tenant_id: string
    id: string
    connection_id: string
    state: Generated<'running' | 'completed' | 'canceled'>
    total: number
    concurrency: number
    delay_ms: number
    actor: string
    request_id: string | null
    closed_at: Timestamp | null
  }
  breaker: {
    tenant_id: string
    connection_id: string
    state: 'closed' | 'open' | 'half_open'
    successes: Generated<number>
    reason: string
    opened_at: Timestamp | null
    next_attempt_at: Timestamp | null
    version: Generated<number>
    failures: Generated<number>
    last_failure_at: Timestamp | null
    changed_at: Generated<Timestamp>
    probes: Generated<Jsonb>
  }
  cache_policy: {
    tenant_id: string
    connection_id: string
    position: number
    path: string
    rules: Jsonb
    invalidate_on: Generated<string[]>
  }
  cached_answer: {
    tenant_id: string
    connection_id: string
    key: Buffer
    path: string
    call_id: string
    sealed: Buffer
    bytes: number
    stored_at: Generated<Timestamp>
    expires_at: Timestamp
  }
  call: {
    tenant_id: string
    id: string
    connection_id: string
    operation: string | null
    method: string
    path: string
    state: Generated<'started' | 'succeeded' | 'refused' | 'failed' | 'unknown'>
    status: number | null
    attempts: Generated<number>
    duration_ms: number | null
    error: string | null
    actor: string
    request_id: string | null
    closed_at: Timestamp | null
    trouble: 'refused' | 'failed' | 'unknown' | null
    trouble_status: number | null
    trouble_class: number | null
    cause_kind: string | null
    cause_id: string | null
    parent_id: string | null
    external_reference: string | null
  }
  call_attempt: {
    tenant_id: string
    id: string
    call_id: string
    number: number
    outcome: 'succeeded' | 'refused' | 'failed' | 'unknown'
    status: number | null
    duration_ms: number
    request_headers: string
    request_body: Buffer | null
    response_headers: string | null
    response_body: Buffer | null
    error: string | null
  }
  call_body: {
    tenant_id: string
    call_id: string
    number: number
    keep_until: Timestamp
    request: Buffer | null
    response: Buffer | null
    truncated: boolean
  }
  call_mapping: {
    tenant_id: string
    id: string
    steps: string
  }
  call_queue: {
    tenant_id: string
    id: string
    kind: 'call' | 'batch'
    due: Timestamp
    claim: string | null
    attempts: Generated<number>
  }
  call_unsettled: {
    tenant_id: string
    call_id: string
    plan: Buffer | null
    told: Generated<boolean>
    tries: Generated<number>
    denied: Generated<number>
    due: Timestamp | null
  }
  card: {
    tenant_id: string
    id: string
    connection_id: string
    provider: string
    vendor_id: string | null
    status: 'processing' | 'inactive' | 'active' | 'blocked' | 'canceled' | 'failed'
    reason: 'customer' | 'lost' | 'stolen' | 'fraud' | 'vendor' | null
    kind: 'virtual' | 'physical'
    cardholder: string
    customer: string | null
    currency: string
    brand: string | null
    last_four: string | null
    exp_month: number | null
    exp_year: number | null
    limits: Generated<Jsonb>
    shipping: Jsonb | null
    metadata: Generated<Jsonb>
    wish: Jsonb | null
    wish_no: Generated<number>
    failure: Jsonb | null
    request: Buffer | null
    version: Generated<number>
    job_id: string | null
    actor: string
    updated_at: Generated<Timestamp>
    replaces: string | null
    replacement_reason: 'lost' | 'stolen' | 'damaged' | 'expired' | null
  }
  card_authorization: {
    tenant_id: string
    id: string
    card_id: string
    connection_id: string
    vendor_id: string
    status: 'asked' | 'pending' | 'declined' | 'closed' | 'reversed' | 'expired'
    amount: Bigint
    captured: Generated<Bigint>
    refunded: Generated<Bigint>
    currency: string
    merchant_amount: Bigint | null
    merchant_currency: string | null
    merchant: Jsonb
    category: string | null
    method: string | null
    wallet: string | null
    verification: Jsonb
    requests: number
    vendor_reason: string | null
    confirmed: Generated<boolean>
    made_at: Timestamp
    told_at: Timestamp
    version: Generated<number>
    updated_at: Generated<Timestamp>
  }
  card_decision: {
    tenant_id: string
    id: string
    provider: string
    key: string
    card_id: string | null
    authorization_id: string | null
    approved: boolean | null
    reason: string
    rule_id: string | null
    amount: Bigint
    currency: string
    elapsed_ms: number
    message_id: string
    decided_at: Generated<Timestamp>
    approved_amount: Bigint | null
  }
  card_move: {
    tenant_id: string
    card_id: string
    version: number
    status: string
    reason: string | null
    cause: 'request' | 'reply' | 'news' | 'answer'
    cause_id: string | null
    at: Generated<Timestamp>
  }
  card_rule: {
    tenant_id: string
    id: string
    environment: 'live' | 'test'
    name: string
    position: number
    action: 'approve' | 'decline'
    conditions: Jsonb
    state: Generated<'enabled' | 'disabled'>
    created_by: string
    updated_at: Generated<Timestamp>
    up_to: Jsonb | null
  }
  card_transaction: {
    tenant_id: string
    id: string
    card_id: string
    connection_id: string
    authorization_id: string | null
    vendor_authorization_id: string | null
    vendor_id: string
    kind: 'capture' | 'refund'
    amount: Bigint
    currency: string
    merchant_amount: Bigint | null
    merchant_currency: string | null
    merchant: Jsonb
    category: string | null
    made_at: Timestamp
  }
  connection: {
    tenant_id: string
    id: string
    provider: string
    name: string
    environment: 'development' | 'staging' | 'production'
    state: Generated<'enabled' | 'disabled'>
    settings: Jsonb
    version: Generated<number>
    health: Generated<'unknown' | 'healthy' | 'degraded' | 'unhealthy'>
    health_note: string | null
    last_seen: Timestamp | null
    created_at: Generated<Timestamp>
    updated_at: Generated<Timestamp>
    limits: Generated<Jsonb>
    mapping: Generated<Jsonb>
    keep_bodies_days: number | null
    description: string | null
    created_by: string | null
    call_events: Generated<'none' | 'failures' | 'all'>
  }
  connection_cache: {
    tenant_id: string
    connection_id: string
    epoch: Generated<Bigint>
    hits: Generated<Bigint>
    misses: Generated<Bigint>
    revalidated: Generated<Bigint>
    stale: Generated<Bigint>
    bypassed: Generated<Bigint>
    joined: Generated<Bigint>
  }
  connection_token: {
    tenant_id: string
    connection_id: string
    id: string
    version: Generated<number>
    made_for: Generated<number>
    state: Generated<'live' | 'refused'>
    note: string | null
    scope: string | null
    expires_at: Timestamp | null
    renew_at: Timestamp | null
    consented_at: Timestamp | null
    claim: string | null
    claimed_until: Timestamp | null
    purpose: Generated<'own' | 'client'>
  }
  data_key: {
    tenant_id: string
    version: number
    wrapped: Buffer
    master: string
    created_at: Generated<Timestamp>
  }
  deferred_call: {
    tenant_id: string
    id: string
    connection_id: string
    batch_id: string | null
    position: number | null
    operation: string | null
    method: string | null
    path: string | null
    actor: Jsonb
    request: Buffer | null
    state: Generated<'queued' | 'started' | 'succeeded' | 'refused' | 'failed' | 'unknown' | 'canceled'>
    tries: Generated<number>
    call_ids: Generated<string[]>
    due: Generated<Timestamp>
    status: number | null
    error: string | null
    report: Buffer | null
    closed_at: Timestamp | null
    unknown_id: string | null
  }
  delivery: {
    tenant_id: string
    id: string
    event_id: string
    subscription_id: string
    event_type: string
    state: Generated<'pending' | 'delivered' | 'failed' | 'expired'>
    attempts: Generated<number>
    next_at: Timestamp | null
    status: number | null
    error: string | null
    closed_at: Timestamp | null
    told: Generated<boolean>
    trouble: Generated<string> | null
  }
  delivery_lane: {
    tenant_id: string
    subscription_id: string
    key: string
    pending: number
    next_seq: Bigint
    due: Timestamp
    claim: string | null
    attempts: Generated<number>
    cuts: Generated<number>
    held: Generated<boolean>
    parked: Generated<boolean>
    through: Generated<Bigint>
    told: Generated<boolean>
  }
  delivery_line: {
    tenant_id: string
    subscription_id: string
    key: string
    seq: Bigint
    delivery_id: string
    event_id: string
  }
  delivery_queue: {
    tenant_id: string
    id: string
    event_id: string
    subscription_id: string
    due: Timestamp
    claim: string | null
    attempts: Generated<number>
    held: Generated<boolean>
    cuts: Generated<number>
    renewed_at: Timestamp | null
    told: Generated<boolean>
  }
  dispute: {
    tenant_id: string
    id: string
    payment_id: string
    connection_id: string
    provider: string
    vendor_id: string
    status: 'needs_response' | 'under_review' | 'won' | 'lost' | 'closed'
    is_inquiry: boolean
    amount: Bigint
    currency: string
    reason: string | null
    funds: 'none' | 'withdrawn' | 'reinstated'
    has_evidence: Generated<boolean>
    evidence_due_at: Timestamp | null
    opened_at: Timestamp | null
    closed_at: Timestamp | null
    version: Generated<number>
    updated_at: Generated<Timestamp>
  }
  event: {
    tenant_id: string
    id: string
    type: string
    data: string
    entity_id: string | null
    message_id: string | null
    version: Generated<number>
    customer: string | null
  }
  event_type: {
    tenant_id: string
    name: string
    description: string
    schema: Jsonb
    example: Jsonb
    created_at: Generated<Timestamp>
    version: Generated<number>
    deprecated_at: Timestamp | null
    deprecation: string | null
  }
  external_id: {
    tenant_id: string
    value_hmac: Buffer
    kind: string
    ref_id: string
  }
  health: {
    tenant_id: string
    connection_id: string
    every_s: Generated<number> | null
    timeout_ms: Generated<number>
    path: string | null
    statuses: number[] | null
    status: Generated<'unknown' | 'healthy' | 'degraded' | 'unhealthy'>
    streak: Generated<number>
    note: string | null
    since: Generated<Timestamp>
    job_id: string | null
    answer: Jsonb | null
  }
  health_check: {
    tenant_id: string
    connection_id: string
    id: string
    result: 'well' | 'slow' | 'failed'
    latency_ms: number
    note: string | null
    call_id: string | null
  }
  idempotency_key: {
    tenant_id: string
    actor: string
    key: string
    fingerprint: Buffer
    state: Generated<'started' | 'done' | 'unknown'>
    process: string
    answer: Buffer | null
    created_at: Generated<Timestamp>
  }
  inbox: {
    tenant_id: string
    id: string
    source_id: string
    event_key: string
    headers: string
    body: Buffer
    state: Generated<'pending' | 'completed' | 'failed' | 'ignored' | 'parked'>
    event_type: string | null
    attempts: Generated<number>
    error: string | null
    closed_at: Timestamp | null
    flags: Generated<string[]>
    lane: string | null
    position: Bigint | null
  }
  inbox_lane: {
    tenant_id: string
    lane: string
    source_id: string
    reached: Bigint | null
    rung: Generated<boolean>
    wait: 'gap' | 'retry' | 'blocked' | null
    gap_until: Timestamp | null
    due: Timestamp | null
    claim: string | null
    attempts: Generated<number>
    used_at: Generated<Timestamp>
  }
  inbox_queue: {
    tenant_id: string
    id: string
    due: Timestamp | null
    claim: string | null
    attempts: Generated<number>
    lane: string | null
    position: Bigint | null
    arrived: Bigint | null
  }
  inbox_replay: {
    tenant_id: string
    id: string
    source_id: string | null
    event_type: string | null
    states: string[]
    since: Timestamp
    until: Timestamp
    per_second: number | null
    state: Generated<'running' | 'paused' | 'completed' | 'canceled'>
    turn: Generated<number>
    reached: string
    total: number
    replayed: Generated<number>
    closed_at: Timestamp | null
  }
  inbox_seen: {
    tenant_id: string
    source_id: string
    event_key: string
    message_id: string
    fingerprint: Buffer
  }
  job: {
    tenant_id: string
    id: string
    kind: string
    payload: Jsonb
    due: Timestamp
    claim: string | null
    attempts: Generated<number>
    error: string | null
  }
  limit_usage: {
    tenant_id: string
    connection_id: string
    hour: Timestamp
    calls: Bigint
    bytes: Bigint
    refused: Bigint
  }
  mapping: {
    tenant_id: string
    name: string
    environment: 'test' | 'live'
    description: string | null
    definition: Jsonb
    version: Generated<number>
    created_at: Generated<Timestamp>
    updated_at: Generated<Timestamp>
  }
  mapping_use: {
    tenant_id: string
    connection_id: string
    operation: Generated<string>
    mapping: string
  }
  member: {
    tenant_id: string
    id: string
    email: string
    person_id: string | null
    role: 'viewer' | 'operator' | 'developer' | 'admin'
    state: 'invited' | 'active' | 'suspended'
    created_at: Generated<Timestamp>
  }
  metric: {
    tenant_id: string
    subject_id: string
    grain: 'five_minutes' | 'hour' | 'day'
    at: Timestamp
    calls: Generated<Bigint>
    succeeded: Generated<Bigint>
    refused: Generated<Bigint>
    failed: Generated<Bigint>
    unknown: Generated<Bigint>
    attempts: Generated<Bigint>
    total_ms: Generated<Bigint>
    max_ms: Generated<number>
    durations: Generated<number[]>
    sent_bytes: Generated<Bigint>
    received_bytes: Generated<Bigint>
    cache_hits: Generated<Bigint>
    cache_misses: Generated<Bigint>
    errors: Generated<Jsonb>
  }
  migration: {
    name: string
    sha256: string
    at: Generated<Timestamp>
  }
  oauth_client: {
    tenant_id: string
    id: string
    client_id: string
    name: string
    secret_hash: Buffer
    environment: 'live' | 'test'
    scopes: string[]
    revoked_at: Timestamp | null
    created_at: Generated<Timestamp>
  }
  oauth_state: {
    tenant_id: string
    state_hash: Buffer
    connection_id: string
    verifier: Buffer
    redirect_uri: string
    return_to: string | null
    actor: string
    expires_at: Timestamp
    afterwards: Jsonb | null
  }
  operation: {
    tenant_id: string
    connection_id: string
    name: string
    state: Generated<'enabled' | 'disabled'>
    method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
    path: string
    more: Jsonb
    version: Generated<number>
    created_at: Generated<Timestamp>
    updated_at: Generated<Timestamp>
  }
  payment: {
    tenant_id: string
    id: string
    connection_id: string
    provider: string
    vendor_id: string | null
    status: 'processing' | 'pending' | 'authorized' | 'completed' | 'failed' | 'canceled' | 'refunded' | 'partially_refunded' | 'disputed' | 'expired'
    method: 'card' | 'pix' | 'boleto'
    capture: 'automatic' | 'manual'
    amount: Bigint
    currency: string
    captured: Generated<Bigint>
    refunded: Generated<Bigint>
    customer: string | null
    description: string | null
    metadata: Generated<Jsonb>
    failure: Jsonb | null
    request: Buffer | null
    held: Generated<boolean>
    sent_at: Timestamp | null
    version: Generated<number>
    job_id: string | null
    actor: string
    completed_at: Timestamp | null
    updated_at: Generated<Timestamp>
    due_date: string | null
    expires_at: Timestamp | null
    pix_code: string | null
    settlement_id: string | null
    route_id: string | null
    try_number: Generated<number>
    may_move_on: Generated<boolean>
  }
  payment_move: {
    tenant_id: string
    payment_id: string
    version: number
    status: string
    captured: Bigint
    refunded: Bigint
    cause: 'request' | 'risk' | 'reply' | 'news' | 'answer' | 'refund'
    cause_id: string | null
    at: Generated<Timestamp>
  }
  payment_route: {
    tenant_id: string
    id: string
    name: string
    environment: 'live' | 'test'
    is_default: Generated<boolean>
    rules: Generated<Jsonb>
    created_at: Generated<Timestamp>
    updated_at: Generated<Timestamp>
  }
  payment_try: {
    tenant_id: string
    payment_id: string
    number: number
    connection_id: string
    provider: string
    state: 'asked' | 'moved_on' | 'skipped'
    failure: Jsonb | null
    call_id: string | null
    at: Generated<Timestamp>
  }
  person: {
    tenant_id: string
    id: string
    email: string
    name: string
    language: 'pt-BR' | 'en'
    password: string | null
    totp_since: Timestamp | null
    totp_step: Generated<number>
    signed_in_at: Timestamp | null
    created_at: Generated<Timestamp>
    recovery_codes: Generated<Buffer[]>
    state: Generated<'active' | 'suspended'>
    seen_at: Timestamp | null
  }
  person_identity: {
    tenant_id: string
    provider_id: string
    subject: string
    person_id: string
    created_at: Generated<Timestamp>
  }
  person_link: {
    tenant_id: string
    token_hash: Buffer
    kind: 'first' | 'invitation' | 'reset'
    member_tenant_id: string | null
    member_id: string | null
    person_id: string | null
    drops_totp: Generated<boolean>
    expires_at: Timestamp
  }
  person_session: {
    tenant_id: string
    id: string
    person_id: string
    token_hash: Buffer
    ip: string | null
    agent: string | null
    created_at: Generated<Timestamp>
    seen_at: Generated<Timestamp>
    expires_at: Timestamp
  }
  portal_link: {
    tenant_id: string
    id: string
    token_hash: Buffer
    customer: string
    environment: 'live' | 'test'
    event_types: string[] | null
    can_edit: boolean
    locale: 'en' | 'pt-BR' | null
    theme: Generated<Jsonb>
    frame_origins: string[]
    expires_at: Timestamp
  }
  quarantine: {
    tenant_id: string
    id: string
    source_id: string
    reason: string
    detail: string
    headers: string
    body: Buffer
    ip: string | null
  }
  rate_limit: {
    tenant_id: string
    rates: Generated<Jsonb>
    updated_at: Generated<Timestamp>
  }
  rate_window: {
    tenant_id: string
    connection_id: string
    per_s: number
    head: Generated<Bigint>
    taken: string[]
    operation: Generated<string>
    unit: Generated<'calls' | 'bytes'>
  }
  reconciliation: {
    tenant_id: string
    id: string
    connection_id: string
    day: string
    starts: Timestamp
    ends: Timestamp
    state: 'running' | 'completed' | 'failed'
    by_clock: boolean
    actor: string
    theirs: number | null
    differences: number | null
    error: string | null
    ended_at: Timestamp | null
    left_out: number | null
  }
  reconciliation_difference: {
    tenant_id: string
    id: string
    reconciliation_id: string
    connection_id: string
    day: string
    kind: 'missing_here' | 'missing_there' | 'status_differs' | 'amount_differs' | 'refund_differs'
    vendor_id: string
    payment_id: string | null
    ours: Jsonb | null
    theirs: Jsonb | null
    state: 'open' | 'resolved'
    resolution: 'refreshed' | 'imported' | 'accepted' | 'gone' | null
    resolved_by: string | null
    resolved_at: Timestamp | null
    note: string | null
  }
  refund: {
    tenant_id: string
    id: string
    payment_id: string
    vendor_id: string | null
    status: 'processing' | 'pending' | 'completed' | 'failed' | 'canceled'
    amount: Bigint
    reason: string | null
    failure: Jsonb | null
    actor: string
    updated_at: Generated<Timestamp>
    account: Buffer | null
  }
  replay: {
    tenant_id: string
    id: string
    subscription_id: string
    since: Timestamp
    until: Timestamp
    of_state: 'failed' | 'delivered' | 'expired' | 'missing'
    state: Generated<'running' | 'paused' | 'completed' | 'canceled'>
    reached: string
    total: number
    replayed: Generated<number>
    closed_at: Timestamp | null
    event_types: string[] | null
    status: number | null
    per_second: number | null
    turn: string | null
    error: string | null
  }
  schedule: {
    tenant_id: string
    name: string
    cron: string
    time_zone: string
    kind: string
    payload: Generated<Jsonb>
    due: Timestamp
  }
  secret: {
    tenant_id: string
    owner_id: string
    field: string
    version: number
    key: number
    sealed: Buffer
    created_at: Generated<Timestamp>
  }
  security_event: {
    tenant_id: string
    id: string
    kind: string
    subject: string
    ip: string | null
    detail: string
  }
  sign_in_failure: {
    tenant_id: string
    who: Buffer
    failures: number
    since: Timestamp
  }
  sign_in_provider: {
    tenant_id: string
    id: string
    name: string
    issuer: string
    client_id: string
    domains: string[]
    member_tenant_id: string
    role: 'viewer' | 'operator' | 'developer' | 'admin'
    created_at: Generated<Timestamp>
  }
  source: {
    tenant_id: string
    id: string
    provider: string
    name: string
    connection_id: string | null
    settings: Generated<Jsonb>
    state: Generated<'enabled' | 'disabled'>
    is_default: Generated<boolean>
    created_at: Generated<Timestamp>
    updated_at: Generated<Timestamp>
    options: Generated<Jsonb>
    description: string | null
  }
  source_catch_up: {
    tenant_id: string
    source_id: string
    seen_until: Timestamp | null
    job_id: string | null
    began_at: Timestamp | null
    ended_at: Timestamp | null
    read: Generated<number>
    added: Generated<number>
    error: string | null
  }
  source_registration: {
    tenant_id: string
    source_id: string
    connection_id: string
    provider: string
    state: 'registering' | 'registered' | 'failed' | 'unregistering'
    target: Jsonb
    replace: boolean
    vendor_id: string | null
    url: string | null
    error: string | null
    asked: Generated<boolean>
    version: Generated<number>
    leased_until: Timestamp | null
    registered_at: Timestamp | null
    updated_at: Generated<Timestamp>
  }
  source_tally: {
    tenant_id: string
    source_id: string
    outcome: 'received' | 'duplicate' | 'quarantined' | 'refused'
    count: Bigint
    last_at: Timestamp
  }
  subscription: {
    tenant_id: string
    id: string
    name: string
    url: string
    event_types: string[]
    state: Generated<'enabled' | 'paused' | 'disabled'>
    state_note: string | null
    created_at: Generated<Timestamp>
    updated_at: Generated<Timestamp>
    description: string | null
    metadata: Generated<Jsonb>
    filter: string | null
    header_names: Generated<string[]>
    auth: Jsonb | null
    timeout_ms: number | null
    retry_schedule_s: number[] | null
    disable_after_hours: Generated<number> | null
    previous_secret_until: Timestamp | null
    ordering: Jsonb | null
    max_concurrency: number | null
    expire_after_s: number | null
    rate_count: number | null
    rate_per_s: number | null
    content_type: Generated<'json' | 'form'>
    customer: string | null
    payload: string | null
    weight: Generated<number>
    created_by: string | null
    previous_secrets: Generated<Jsonb>
  }
  subscription_counter: {
    tenant_id: string
    subscription_id: string
    attempts: Generated<Bigint>
    delivered: Generated<Bigint>
    failed: Generated<Bigint>
    last_attempt_at: Timestamp | null
    last_delivered_at: Timestamp | null
    minute: Generated<Timestamp>
  }
  subscription_failing: {
    tenant_id: string
    subscription_id: string
    since: Generated<Timestamp>
    failures: number
    warned: Generated<number>
  }
  subscription_permit: {
    tenant_id: string
    subscription_id: string
    holders: Generated<Jsonb>
  }
  subscription_rate: {
    tenant_id: string
    subscription_id: string
    free_at: Timestamp
  }
  tenant: {
    id: string
    name: string
    time_zone: Generated<string>
    created_at: Generated<Timestamp>
  }
  traffic: {
    tenant_id: string
    grain: 'five_minutes' | 'hour' | 'day'
    at: Timestamp
    direction: 'inbound' | 'outbound'
    subject: string
    outcome: string
    count: Bigint
    total_ms: Bigint
  }
  transfer: {
    tenant_id: string
    id: string
    connection_id: string
    provider: string
    number: number | null
    vendor_id: string | null
    status: 'awaiting_approval' | 'scheduled' | 'pending' | 'processing' | 'completed' | 'failed' | 'canceled' | 'returned'
    method: 'pix' | 'ted' | 'internal'
    amount: Bigint
    currency: string
    returned: Generated<Bigint>
    scheduled_for: string | null
    description: string | null
    metadata: Generated<Jsonb>
    destination: Buffer
    shown: Jsonb
    vendor_word: string | null
    receipt: string | null
    end_to_end_id: string | null
    failure: Jsonb | null
    cancel_asked: Generated<boolean>
    sent_at: Timestamp | null
    account: Buffer | null
    actor: string
    approver: string | null
    version: Generated<number>
    job_id: string | null
    completed_at: Timestamp | null
    updated_at: Generated<Timestamp>
    approve_by: Timestamp | null
  }
  transfer_move: {
    tenant_id: string
    transfer_id: string
    version: number
    status: string
    vendor_word: string | null
    cause: 'request' | 'approval' | 'schedule' | 'reply' | 'news' | 'answer'
    cause_id: string | null
    at: Generated<Timestamp>
  }
  transfer_policy: {
    tenant_id: string
    environment: 'live' | 'test'
    approve_above: Bigint | null
    updated_by: string
    updated_at: Generated<Timestamp>
    approve_within_days: Generated<number>
  }
  vendor_limit: {
    tenant_id: string
    connection_id: string
    operation: Generated<string>
    paused_until: Timestamp | null
    remaining: Bigint | null
    resets_at: Timestamp | null
  }
}
