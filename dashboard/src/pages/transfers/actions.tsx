import { Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useMay, useSession } from '../../api/session.tsx'
import { ConfirmAct } from '../../parts/confirm.tsx'
import { Dialog, DialogEnd, Opens } from '../../parts/dialog.tsx'
import { money } from '../../parts/money.ts'
import { isNote, NoteField } from '../../parts/note.tsx'
import { Refresh } from '../../parts/refresh.tsx'
import { Resolve } from '../../parts/resolve.tsx'
import { useText } from './act_text.ts'
import type { TransferStory } from './reads.ts'
import { useText as useTransferText } from './text.ts'

const CHANGES = ['transfers', 'events', 'calls']

/** What can be done about a transfer as it stands now; what moves it asks first. */
export function TransferActions({ of }: { of: TransferStory }) {
  const say = useText()
  const may = useMay()
  const { member } = useSession()
  const is_held = ['awaiting_approval', 'scheduled', 'pending'].includes(of.status)
  const is_to_decide =
    of.status === 'awaiting_approval' && of.created_by !== member.id && may('transfers:approve')
  const can_write = may('transfers:write')
  return (
    <>
      {can_write && !is_held && (
        <Refresh
          label={say('refresh')}
          act={() => ask(api.POST('/v1/transfers/{id}/refresh', at(of)))}
          done={say('refreshed')}
          changes={CHANGES}
        />
      )}
      {can_write && of.status === 'processing' && (
        <Resolve
          made="completed"
          say={say}
          vendor_id={of.vendor_id}
          act={(body) => ask(api.POST('/v1/transfers/{id}/resolve', { ...at(of), body }))}
          changes={CHANGES}
        />
      )}
      {can_write && (is_held || of.status === 'processing') && <Cancel of={of} is_held={is_held} />}
      {is_to_decide && <Reject of={of} />}
      {is_to_decide && <Approve of={of} />}
    </>
  )
}

const at = ({ id }: TransferStory) => ({ params: { path: { id } } })

function Cancel({ of, is_held }: { of: TransferStory; is_held: boolean }) {
  const say = useText()
  return (
    <ConfirmAct
      variant="light"
      color="red"
      question={say(is_held ? 'cancel_held' : 'cancel_sent')}
      verb={say('cancel')}
      act={() => ask(api.POST('/v1/transfers/{id}/cancel', at(of)))}
      done={say('canceled')}
      changes={CHANGES}
    />
  )
}

function Approve({ of }: { of: TransferStory }) {
  const say = useText()
  const word = useTransferText()
  const told = { money: money(of.money), method: word(of.method), to: receiverOf(of) }
  return (
    <ConfirmAct
      question={say('approve_sure', told)}
      verb={say('approve')}
      act={() => ask(api.POST('/v1/transfers/{id}/approve', at(of)))}
      done={say('approved')}
      changes={CHANGES}
    />
  )
}

/** Whole: who lets it go sees where it goes. */
const receiverOf = ({ destination: { name, pix_key, document, account } }: TransferStory): string => {
  const where =
    pix_key ??
    (account &&
      [account.bank_code, account.branch, `${account.number}-${account.check_digit}`]
        .filter(Boolean)
        .join(' / '))
  return [name ?? document, where].filter(Boolean).join(', ')
}

function Reject({ of }: { of: TransferStory }) {
  const say = useText()
  return (
    <Opens variant="light" color="red" label={say('reject')}>
      {(close) => <RejectDialog of={of} close={close} />}
    </Opens>
  )
}

function RejectDialog({ of, close }: { of: TransferStory; close: () => void }) {
  const say = useText()
  const form = useForm({
    initialValues: { note: '' },
    validate: { note: (typed) => (isNote(typed) ? null : say('required')) },
  })
  const reject = useAct({
    act: (note: string) => ask(api.POST('/v1/transfers/{id}/reject', { ...at(of), body: { note } })),
    done: say('rejected'),
    changes: CHANGES,
  })
  return (
    <Dialog close={close} title={say('reject')}>
      <form
        noValidate
        onSubmit={form.onSubmit(({ note }) => reject.mutate(note.trim(), { onSuccess: close }))}
      >
        <Stack>
          <Text size="sm">{say('reject_about')}</Text>
          <NoteField
            label={say('note')}
            description={say('note_about')}
            data-autofocus
            {...form.getInputProps('note')}
          />
          <DialogEnd close={close} color="red" loading={reject.isPending}>
            {say('reject')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}
