import { Button, Group, NumberInput, Select, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useConnections } from '../../api/names.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { useWords } from '../../parts/words.ts'
import { FIELDS, type Fields, type Kind, OFFERED, type Rule, SEVERITIES, useKinds } from './kinds.ts'
import { useText } from './text.ts'

type Draft = {
  kind: Kind
  name: string
  connection_id: string | null
  severity: Rule['severity']
  threshold: number | string
  minutes: number | string
  least_calls: number | string
}

const draftOf = (rule: Rule | null): Draft => ({
  kind: rule?.kind ?? 'success_rate',
  name: rule?.name ?? '',
  connection_id: rule?.connection_id ?? null,
  severity: rule?.severity ?? 'warning',
  threshold: rule?.threshold ?? '',
  minutes: rule?.minutes ?? '',
  least_calls: rule?.least_calls ?? '',
})

/** What is empty is left to the server, which knows what is usual. */
function changeOf({ name, severity, threshold, minutes, least_calls }: Draft, fields: Fields) {
  const given = (value: number | string) => value !== ''
  return {
    name: name.trim() || null,
    severity,
    ...(fields.threshold && given(threshold) && { threshold: Number(threshold) }),
    ...(fields.minutes && given(minutes) && { minutes: Number(minutes) }),
    ...(fields.least_calls && given(least_calls) && { least_calls: Number(least_calls) }),
  }
}

/** A new rule, or one that is there; `of` null makes one. */
export function RuleForm({ of, close }: { of: Rule | null; close: () => void }) {
  const say = useText()
  const word = useWords()
  const kind = useKinds()
  const form = useForm<Draft>({ initialValues: draftOf(of) })
  const fields = FIELDS[form.values.kind]
  const save = useAct({
    act: (draft: Draft) => write(of, draft),
    done: say('saved'),
    changes: ['alert_rules', 'audit'],
  })
  return (
    <Dialog close={close} title={of ? (of.name ?? kind(of.kind)) : say('new_rule')}>
      <form onSubmit={form.onSubmit((draft) => save.mutate(draft, { onSuccess: close }))}>
        <Stack>
          {!of && (
            <Select
              label={say('watched')}
              allowDeselect={false}
              data={OFFERED.map((value) => ({ value, label: kind(value) }))}
              {...form.getInputProps('kind')}
            />
          )}
          {!of && fields.of_connection && <OfConnection input={form.getInputProps('connection_id')} />}
          <TextInput
            label={word('name')}
            description={say('name_about')}
            maxLength={100}
            {...form.getInputProps('name')}
          />
          <Measures fields={fields} input={(name) => form.getInputProps(name)} />
          <Select
            label={say('severity')}
            allowDeselect={false}
            data={SEVERITIES.map((value) => ({ value, label: kind(value) }))}
            {...form.getInputProps('severity')}
          />
          <Group justify="space-between">
            {of ? <Delete of={of} close={close} /> : <span />}
            <Group>
              <Button variant="default" onClick={close}>
                {word('cancel')}
              </Button>
              <Button type="submit" loading={save.isPending}>
                {word(of ? 'save' : 'create')}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

const write = (of: Rule | null, draft: Draft): Promise<unknown> => {
  const fields = FIELDS[draft.kind]
  const change = changeOf(draft, fields)
  if (of) return ask(api.PATCH('/v1/alert-rules/{id}', { params: { path: { id: of.id } }, body: change }))
  const own = fields.of_connection && draft.connection_id ? { connection_id: draft.connection_id } : {}
  return ask(api.POST('/v1/alert-rules', { body: { kind: draft.kind, ...own, ...change } }))
}

type Input = ReturnType<ReturnType<typeof useForm<Draft>>['getInputProps']>

function OfConnection({ input }: { input: Input }) {
  const say = useText()
  const connections = useConnections()
  return (
    <Select
      label={say('about_what')}
      placeholder={say('every')}
      clearable
      searchable
      data={connections.map(({ id, name }) => ({ value: id, label: name }))}
      {...input}
    />
  )
}

type Measured = 'threshold' | 'minutes' | 'least_calls'

function Measures({ fields, input }: { fields: Fields; input: (name: Measured) => Input }) {
  const say = useText()
  const { threshold, minutes, least_calls } = fields
  const suffix = threshold && threshold.unit !== 'count' ? say(threshold.unit, { n: '' }) : ''
  return (
    <>
      {threshold && (
        <NumberInput
          label={say(`threshold_${threshold.wrong}`)}
          min={0}
          max={threshold.max}
          suffix={suffix}
          placeholder={say('usual')}
          {...input('threshold')}
        />
      )}
      {minutes && (
        <NumberInput
          label={say(minutes)}
          min={minutes === 'window' ? 5 : 0}
          max={minutes === 'window' ? 180 : 1440}
          allowDecimal={false}
          suffix={` ${say('min')}`}
          placeholder={say('usual')}
          {...input('minutes')}
        />
      )}
      {least_calls && (
        <NumberInput
          label={say('least')}
          description={say('least_about')}
          min={1}
          max={1_000_000}
          allowDecimal={false}
          placeholder={say('usual')}
          {...input('least_calls')}
        />
      )}
    </>
  )
}

function Delete({ of, close }: { of: Rule; close: () => void }) {
  const say = useText()
  const word = useWords()
  const kind = useKinds()
  const drop = useAct({
    act: () => ask(api.DELETE('/v1/alert-rules/{id}', { params: { path: { id: of.id } } })),
    done: say('deleted'),
    changes: ['alert_rules', 'alerts', 'audit'],
  })
  return (
    <Confirm
      variant="subtle"
      color="red"
      question={say('delete_sure', { name: of.name ?? kind(of.kind) })}
      verb={word('delete')}
      act={() => drop.mutateAsync().then(close, () => {})}
    />
  )
}
