import { Button } from '@mantine/core'
import { IconRefresh } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { money } from '../../parts/money.ts'
import { useStateName } from '../../parts/state.tsx'
import { AmountDialog } from './amount.tsx'
import type { PaymentStory } from './reads.ts'
import { useText } from './text.ts'

const CHANGES = ['payments', 'events', 'calls']

/** What can be done about a payment as it stands now; each asks first. */
export function PaymentActions({ of }: { of: PaymentStory }) {
  const may = useMay()
  if (!may('payments:write')) return null
  const is_open = of.held || of.status === 'pending' || of.status === 'authorized'
  const is_taken = of.status === 'completed' || of.status === 'partially_refunded'
  return (
    <>
      {!of.held && <Refresh of={of} />}
      {is_open && <Cancel of={of} />}
      {of.held && <Send of={of} />}
      {!of.held && of.status === 'authorized' && <Capture of={of} />}
      {is_taken && <Refund of={of} />}
    </>
  )
}

const at = ({ id }: PaymentStory) => ({ params: { path: { id } } })

function Refresh({ of }: { of: PaymentStory }) {
  const say = useText()
  const refresh = useAct({
    act: () => ask(api.POST('/v1/payments/{id}/refresh', at(of))),
    done: say('refreshed'),
    changes: CHANGES,
  })
  return (
    <Button
      variant="default"
      leftSection={<IconRefresh size={16} aria-hidden />}
      loading={refresh.isPending}
      onClick={() => refresh.mutate()}
    >
      {say('refresh')}
    </Button>
  )
}

function Cancel({ of }: { of: PaymentStory }) {
  const say = useText()
  const cancel = useAct({
    act: () => ask(api.POST('/v1/payments/{id}/cancel', { ...at(of), body: {} })),
    done: say('canceled'),
    changes: CHANGES,
  })
  return (
    <Confirm
      variant="light"
      color="red"
      question={say('cancel_sure')}
      verb={say('cancel')}
      act={() => cancel.mutateAsync().catch(() => {})}
      loading={cancel.isPending}
    >
      {say('cancel')}
    </Confirm>
  )
}

function Send({ of }: { of: PaymentStory }) {
  const say = useText()
  const send = useAct({
    act: () => ask(api.POST('/v1/payments/{id}/confirm', at(of))),
    done: say('confirmed'),
    changes: CHANGES,
  })
  return (
    <Confirm
      question={say('confirm_sure', { money: money(of.money) })}
      verb={say('confirm')}
      act={() => send.mutateAsync().catch(() => {})}
      loading={send.isPending}
    >
      {say('confirm')}
    </Confirm>
  )
}

function Capture({ of }: { of: PaymentStory }) {
  const say = useText()
  const [is_open, setOpen] = useState(false)
  const capture = useAct({
    act: ({ amount }: { amount: string }) =>
      ask(api.POST('/v1/payments/{id}/capture', { ...at(of), body: { amount } })),
    done: say('captured_done'),
    changes: CHANGES,
  })
  return (
    <>
      <Button onClick={() => setOpen(true)}>{say('capture')}</Button>
      {is_open && (
        <AmountDialog
          title={say('capture')}
          about={say('capture_about', { money: money(of.money) })}
          most={of.money}
          act={(wanted) => capture.mutateAsync(wanted)}
          close={() => setOpen(false)}
        />
      )}
    </>
  )
}

function Refund({ of }: { of: PaymentStory }) {
  const say = useText()
  const state = useStateName()
  const [key, setKey] = useState<string | null>(null)
  const amount = String(BigInt(of.captured.amount) - BigInt(of.refunded.amount))
  const left = { amount, currency: of.money.currency }
  const refund = useAct({
    act: (body: { amount: string; reason?: string }) =>
      ask(
        api.POST('/v1/payments/{id}/refunds', {
          // A second click, or an answer that got lost, gives nothing back twice.
          params: { ...at(of).params, header: { 'Idempotency-Key': key ?? '' } },
          body,
        }),
      ),
    done: ({ status }) => say('refunded_done', { status: state(status).toLowerCase() }),
    changes: CHANGES,
  })
  if (amount === '0') return null
  return (
    <>
      <Button variant="light" color="red" onClick={() => setKey(crypto.randomUUID())}>
        {say('refund')}
      </Button>
      {key && (
        <AmountDialog
          title={say('refund')}
          about={say('refund_about', { money: money(left) })}
          most={left}
          with_reason
          act={(wanted) => refund.mutateAsync(wanted)}
          close={() => setKey(null)}
        />
      )}
    </>
  )
}
