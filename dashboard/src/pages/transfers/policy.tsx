import { Anchor, NumberInput, Radio, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay } from '../../api/session.tsx'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { money, toMinor, toUnits } from '../../parts/money.ts'
import { MoneyInput } from '../../parts/money_input.tsx'
import { useText } from './act_text.ts'
import { type Policy, usePolicy } from './reads.ts'

const BRL = 'BRL'

/** From which amount on a second person lets a transfer go, and the way to change it. */
export function PolicyLine() {
  const say = useText()
  const can_change = useMay()('tenants:write')
  const [is_open, setOpen] = useState(false)
  const { data } = usePolicy()
  if (!data) return null
  const { approve_above: amount } = data
  return (
    <>
      {amount === null
        ? say('policy_none')
        : amount === '0'
          ? say('policy_all')
          : say('policy_above', { money: money({ amount, currency: BRL }) })}{' '}
      {can_change && (
        <Anchor component="button" type="button" size="sm" onClick={() => setOpen(true)}>
          {say('policy_edit')}
        </Anchor>
      )}
      {is_open && <PolicyDialog of={data} close={() => setOpen(false)} />}
    </>
  )
}

type Draft = { which: 'never' | 'always' | 'above'; amount: number | string; days: number | string }

function PolicyDialog({ of, close }: { of: Policy; close: () => void }) {
  const say = useText()
  const { approve_above: amount, approve_within_days } = of
  const form = useForm<Draft>({
    initialValues: {
      which: amount === null ? 'never' : amount === '0' ? 'always' : 'above',
      amount: amount === null || amount === '0' ? 10_000 : toUnits({ amount, currency: BRL }),
      days: approve_within_days,
    },
  })
  const saving = useAct({
    act: (draft: Draft) => ask(api.PUT('/v1/transfers/policy', { body: bodyOf(draft) })),
    done: say('policy_saved'),
    changes: ['transfers'],
  })
  return (
    <Dialog close={close} title={say('policy_title')}>
      <form onSubmit={form.onSubmit((draft) => saving.mutate(draft, { onSuccess: close }))}>
        <Stack>
          <Text size="sm">{say('policy_about')}</Text>
          <Radio.Group aria-label={say('policy_title')} {...form.getInputProps('which')}>
            <Stack gap="xs">
              {(['never', 'always', 'above'] as const).map((which) => (
                <Radio key={which} value={which} label={say(which)} />
              ))}
            </Stack>
          </Radio.Group>
          {form.values.which === 'above' && (
            <MoneyInput aria-label={say('above')} currency={BRL} required {...form.getInputProps('amount')} />
          )}
          {form.values.which !== 'never' && (
            <NumberInput
              label={say('days')}
              description={say('days_about')}
              required
              min={1}
              max={90}
              allowDecimal={false}
              {...form.getInputProps('days')}
            />
          )}
          <DialogEnd close={close} loading={saving.isPending}>
            {say('policy_edit')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}

function bodyOf(draft: Draft) {
  const days = draft.days === '' ? {} : { approve_within_days: Number(draft.days) }
  return { approve_above: limitOf(draft), ...days }
}

function limitOf({ which, amount }: Pick<Draft, 'which' | 'amount'>): string | null {
  if (which === 'never') return null
  return which === 'always' ? '0' : toMinor(Number(amount), BRL)
}
