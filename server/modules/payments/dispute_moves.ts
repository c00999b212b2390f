import type { DisputeStatus, VendorDispute } from '../../kit/news.ts'

/**
 * The one place that says what a dispute may become. News comes twice, late and out of order, and only leads forward: an
 * inquiry may become a dispute, a bank may still find for us after it found against us. An answer to a question that was
 * asked after the last change is newer than all of it.
 */
export type Standing = Pick<VendorDispute, 'status' | 'is_inquiry' | 'funds' | 'has_evidence'> & {
  amount: string
  reason: string | null
  evidence_due_at: string | null
}

const STAGES: Record<DisputeStatus, number> = {
  needs_response: 0,
  under_review: 1,
  won: 2,
  lost: 2,
  closed: 2,
}
const OF_INQUIRIES = 3
const FUNDS = ['none', 'withdrawn', 'reinstated'] as const

const stageOf = ({ status, is_inquiry }: Pick<Standing, 'status' | 'is_inquiry'>): number =>
  STAGES[status] + (is_inquiry ? 0 : OF_INQUIRIES)

export const standingOf = ({
  status,
  is_inquiry,
  funds,
  has_evidence,
  money,
  ...told
}: VendorDispute): Standing => ({
  ...{ status, is_inquiry, funds, has_evidence, amount: money.amount },
  reason: told.reason ?? null,
  evidence_due_at: told.evidence_due_at ?? null,
})

/** Null where nothing changes. */
export function nextOf(now: Standing, told: Standing, is_answer: boolean): Standing | null {
  const is_newer =
    is_answer || stageOf(told) > stageOf(now) || (now.status === 'lost' && told.status === 'won')
  const is_older = !is_newer && (stageOf(told) < stageOf(now) || told.status !== now.status)
  const funds = FUNDS.indexOf(told.funds) > FUNDS.indexOf(now.funds) ? told.funds : now.funds
  const base = is_older ? now : { ...told, reason: told.reason ?? now.reason }
  const after = {
    ...base,
    funds,
    has_evidence: now.has_evidence || told.has_evidence,
    evidence_due_at: base.evidence_due_at ?? now.evidence_due_at,
  }
  return Object.entries(after).some(([name, value]) => now[name as keyof Standing] !== value) ? after : null
}

/** Whether the payment is still in doubt by it, or lost. */
export const isAgainst = ({ status }: Pick<Standing, 'status'>): boolean =>
  status !== 'won' && status !== 'closed'

/** Nobody has taken the money back. */
export const isInquiry = ({ is_inquiry, funds }: Pick<Standing, 'is_inquiry' | 'funds'>): boolean =>
  is_inquiry && funds === 'none'

export const isEnded = ({ status }: Pick<Standing, 'status'>): boolean => STAGES[status] === 2

/** What others are told of a change, each once: that it was opened first, however late that news comes. */
export function toldOf(before: Standing | null, after: Standing): string[] {
  const opened = before === null ? ['opened'] : []
  const escalated = before?.is_inquiry && !after.is_inquiry ? ['escalated'] : []
  const has_moved = before?.status !== after.status && after.status !== 'needs_response'
  const has_flown = (before?.funds ?? 'none') !== after.funds
  return [
    ...opened,
    ...escalated,
    ...(has_flown && after.funds === 'withdrawn' ? ['funds_withdrawn'] : []),
    ...(has_moved ? [after.status] : []),
    ...(has_flown && after.funds === 'reinstated' ? ['funds_reinstated'] : []),
  ]
}
