import { Alert, Radio, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useAct } from '../api/hooks.ts'
import { type Say, texts } from '../text/text.ts'
import { Dialog, DialogEnd, Opens } from './dialog.tsx'
import { isNote, NoteField } from './note.tsx'

const useText = texts('resolve', {
  en: {
    resolve: 'Say what became of it',
    note: 'Note',
    note_about: 'Where you saw it; kept in the audit log',
    resolved: 'It is on record.',
    required: 'Is required',
  },
  'pt-BR': {
    resolve: 'Dizer o que aconteceu',
    note: 'Nota',
    note_about: 'Onde você viu; fica na auditoria',
    resolved: 'Está registrado.',
    required: 'É obrigatório',
  },
})

type OwnWord = 'resolve_about' | 'outcome' | 'was_made' | 'was_not_made' | 'failed_about' | 'its_id'
type Seen<Made extends string> = { outcome: Made | 'failed'; vendor_id?: string; note: string }

type ResolveProps<Made extends string> = {
  /** The outcome beside `failed`. */
  made: Made
  say: Say<OwnWord>
  /** What the vendor calls it, where that is known already. */
  vendor_id?: string | null
  needs_id?: boolean
  id_about?: string
  act: (seen: Seen<Made>) => Promise<unknown>
  changes: string[]
}

/** The way out where the vendor cannot say what became of a thing: somebody looked at its pages, and says it. */
export function Resolve<Made extends string>(props: ResolveProps<Made>) {
  const say = useText()
  return (
    <Opens variant="default" label={say('resolve')}>
      {(close) => <ResolveDialog {...props} close={close} />}
    </Opens>
  )
}

function ResolveDialog<Made extends string>(props: ResolveProps<Made> & { close: () => void }) {
  const { made, say, vendor_id = null, needs_id = false, id_about, act, changes, close } = props
  const word = useText()
  const form = useForm<Required<Seen<string>>>({
    initialValues: { outcome: made, vendor_id: vendor_id ?? '', note: '' },
    validate: {
      vendor_id: (typed, { outcome }) =>
        needs_id && outcome === made && typed.trim() === '' ? word('required') : null,
      note: (typed) => (isNote(typed) ? null : word('required')),
    },
  })
  const resolving = useAct({ act, done: word('resolved'), changes })
  const is_made = form.values.outcome === made
  const submit = form.onSubmit(({ vendor_id, note }) => {
    const id = is_made && vendor_id.trim()
    const seen = {
      outcome: is_made ? made : 'failed',
      note: note.trim(),
      ...(id && { vendor_id: id }),
    } as const
    resolving.mutate(seen, { onSuccess: close })
  })
  return (
    <Dialog close={close} title={word('resolve')}>
      <form noValidate onSubmit={submit}>
        <Stack>
          <Text size="sm">{say('resolve_about')}</Text>
          <Radio.Group label={say('outcome')} {...form.getInputProps('outcome')}>
            <Stack gap="xs" mt="xs">
              <Radio value={made} label={say('was_made')} />
              <Radio value="failed" label={say('was_not_made')} />
            </Stack>
          </Radio.Group>
          {is_made ? (
            <TextInput
              label={say('its_id')}
              description={id_about}
              withAsterisk={needs_id}
              maxLength={255}
              readOnly={vendor_id !== null}
              {...form.getInputProps('vendor_id')}
            />
          ) : (
            <Alert color="yellow">{say('failed_about')}</Alert>
          )}
          <NoteField label={word('note')} description={word('note_about')} {...form.getInputProps('note')} />
          <DialogEnd close={close} loading={resolving.isPending}>
            {word('resolve')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}
