import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { ConfirmAct } from '../../parts/confirm.tsx'
import { Opens } from '../../parts/dialog.tsx'
import { freshKey } from '../../parts/fresh.ts'
import { type Money, money } from '../../parts/money.ts'
import { Refresh } from '../../parts/refresh.tsx'
import { Resolve } from '../../parts/resolve.tsx'
import { useStateName } from '../../parts/state.tsx'
import { AmountDialog } from './amount.tsx'
import type { PaymentStory } from './reads.ts'
import { useText } from './text.ts'

const CHANGES = ['payments', 'events', 'calls']

/** What can be done about a payment as it stands now; each asks first. */
export function PaymentActions({ of }: { of: PaymentStory }) {
  const say = useText()
  const may = useMay()
  if (!may('payments:write')) return null
  const is_open = of.held || of.status === 'pending' || of.status === 'authorized'
  const is_taken = of.status === 'completed' || of.status === 'partially_refunded'
  // The API says which of those is refused; most often a bank only asks, and giving the money back ends it.
  const is_asked_about = of.status === 'disputed' && of.disputes.some(({ is_inquiry }) => is_inquiry)
  return (
    <>
      {!of.held && (
        <Refresh
          label={say('refresh')}
          act={() => ask(api.POST('/v1/payments/{id}/refresh', at(of)))}
          done={say('refreshed')}
          changes={CHANGES}
        />
      )}
      {!of.held && of.status === 'processing' && (
        <Resolve
          made="completed"
          say={say}
          needs_id
          id_about={say('id_about')}
          act={(body) => ask(api.POST('/v1/payments/{id}/resolve', { ...at(of), body }))}
          changes={CHANGES}
        />
      )}
      {is_open && <Cancel of={of} />}
      {of.held && <Send of={of} />}
      {!of.held && of.status === 'authorized' && <Capture of={of} />}
      {(is_taken || is_asked_about) && <Refund of={of} />}
    </>
  )
}

const at = ({ id }: PaymentStory) => ({ params: { path: { id } } })

function Cancel({ of }: { of: PaymentStory }) {
  const say = useText()
  return (
    <ConfirmAct
      variant="light"
      color="red"
      question={say('cancel_sure')}
      verb={say('cancel')}
      act={() => ask(api.POST('/v1/payments/{id}/cancel', { ...at(of), body: {} }))}
      done={say('canceled')}
      changes={CHANGES}
    />
  )
}

function Send({ of }: { of: PaymentStory }) {
  const say = useText()
  return (
    <ConfirmAct
      question={say('confirm_sure', { money: money(of.money) })}
      verb={say('confirm')}
      act={() => ask(api.POST('/v1/payments/{id}/confirm', at(of)))}
      done={say('confirmed')}
      changes={CHANGES}
    />
  )
}

function Capture({ of }: { of: PaymentStory }) {
  const say = useText()
  const capture = useAct({
    act: ({ amount }: { amount: string }) =>
      ask(api.POST('/v1/payments/{id}/capture', { ...at(of), body: { amount } })),
    done: say('captured_done'),
    changes: CHANGES,
  })
  return (
    <Opens label={say('capture')}>
      {(close) => (
        <AmountDialog
          title={say('capture')}
          about={say('capture_about', { money: money(of.money) })}
          most={of.money}
          act={(wanted) => capture.mutateAsync(wanted)}
          close={close}
        />
      )}
    </Opens>
  )
}

function Refund({ of }: { of: PaymentStory }) {
  const say = useText()
  const amount = String(BigInt(of.captured.amount) - BigInt(of.refunded.amount))
  if (amount === '0') return null
  return (
    <Opens variant="light" color="red" label={say('refund')}>
      {(close) => <RefundDialog of={of} left={{ amount, currency: of.money.currency }} close={close} />}
    </Opens>
  )
}

function RefundDialog({ of, left, close }: { of: PaymentStory; left: Money; close: () => void }) {
  const say = useText()
  const state = useStateName()
  // A second click, or an answer that got lost, gives nothing back twice.
  const [key] = useState(freshKey)
  const refund = useAct({
    act: (body: { amount: string; reason?: string }) =>
      ask(
        api.POST('/v1/payments/{id}/refunds', {
          params: { ...at(of).params, header: { 'Idempotency-Key': key } },
          body,
        }),
      ),
    done: ({ status }) => say('refunded_done', { status: state(status).toLowerCase() }),
    changes: CHANGES,
  })
  return (
    <AmountDialog
      title={say('refund')}
      about={say('refund_about', { money: money(left) })}
      most={left}
      with_reason
      act={(wanted) => refund.mutateAsync(wanted)}
      close={close}
    />
  )
}
