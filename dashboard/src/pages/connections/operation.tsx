import { Group, NumberInput, Select, Stack, Switch, Textarea, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { api, ask } from '../../api/client.ts'
import { refresh } from '../../api/hooks.ts'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { Wrong } from '../../parts/page.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { toRateDrafts, toRates } from './limits.ts'
import { RateFields } from './rate_fields.tsx'
import type { Stored } from './tab_operations.tsx'

const useText = texts('operation', {
  en: {
    new: 'Store an operation',
    edit: 'Operation {{name}}',
    name: 'Name',
    name_about: 'Words of small letters with dots between, such as members.add',
    name_wrong: 'Small letters, digits and _, with dots between',
    description: 'What it is for',
    method: 'Method',
    path: 'Path',
    path_about: 'Below the base URL; {name} stands for a value of the input',
    path_wrong: 'Begins with /',
    body: 'Body (JSON template)',
    body_about: '{{example}} stands for a value of the input. Empty: the input is the body',
    schema: 'What the input has to be (JSON Schema)',
    json_wrong: 'Must be valid JSON',
    timeout_ms: 'Too late after (milliseconds)',
    retries: 'Tried again at most',
    rates_none: 'Only the limits of its connection hold.',
    enabled: 'May be called',
  },
  'pt-BR': {
    new: 'Guardar operação',
    edit: 'Operação {{name}}',
    name: 'Nome',
    name_about: 'Palavras em minúsculas separadas por pontos, como members.add',
    name_wrong: 'Minúsculas, dígitos e _, com pontos entre eles',
    description: 'Para que serve',
    method: 'Método',
    path: 'Caminho',
    path_about: 'Abaixo da URL base; {name} vale por um valor da entrada',
    path_wrong: 'Começa com /',
    body: 'Corpo (modelo JSON)',
    body_about: '{{example}} vale por um valor da entrada. Vazio: a entrada é o corpo',
    schema: 'O que a entrada precisa ser (JSON Schema)',
    json_wrong: 'Deve ser um JSON válido',
    timeout_ms: 'Tarde demais após (milissegundos)',
    retries: 'Tentada de novo no máximo',
    rates_none: 'Valem só os limites da conexão.',
    enabled: 'Pode ser chamada',
  },
})

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/

const toText = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value, null, 2))

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

type Typed = ReturnType<typeof typedOf>

const typedOf = (of: Stored | undefined) => ({
  name: of?.name ?? '',
  description: of?.description ?? '',
  method: of?.method ?? ('GET' as Stored['method']),
  path: of?.path ?? '/',
  body: toText(of?.body),
  input_schema: toText(of?.input_schema),
  timeout_ms: of?.timeout_ms ?? ('' as number | string),
  retries: of?.retries ?? ('' as number | string),
  rates: toRateDrafts(of?.rates ?? []),
  is_enabled: (of?.state ?? 'enabled') === 'enabled',
})

/** What is sent: what the form does not show of the operation before stays. */
function definitionOf(typed: Typed, of: Stored | undefined) {
  const {
    connection_id: _id,
    name: _name,
    version: _version,
    created_at: _created,
    ...before
  } = of ?? ({} as Stored)
  const { updated_at: _updated, body: _body, input_schema: _schema, ...kept } = before
  const { description: _text, timeout_ms: _timeout, retries: _retries, rates: _rates, ...rest } = kept
  const { description, method, path, body, input_schema, timeout_ms, retries, is_enabled } = typed
  const rates = toRates(typed.rates)
  return {
    ...rest,
    method,
    path,
    state: is_enabled ? ('enabled' as const) : ('disabled' as const),
    ...(description !== '' && { description }),
    ...(body !== '' && { body: JSON.parse(body) as unknown }),
    ...(input_schema !== '' && { input_schema: JSON.parse(input_schema) as Stored['input_schema'] }),
    ...(timeout_ms !== '' && { timeout_ms: Number(timeout_ms) }),
    ...(retries !== '' && { retries: Number(retries) }),
    ...(rates.length > 0 && { rates }),
  }
}

type DialogProps = { connection_id: string; of: Stored | undefined; close: () => void }

/** Makes a stored operation, or replaces one. */
export function OperationDialog({ connection_id, of, close }: DialogProps) {
  const say = useText()
  const words = useWords()
  const client = useQueryClient()
  const json = (text: string) => (text === '' || isJson(text) ? null : say('json_wrong'))
  const form = useForm({
    initialValues: typedOf(of),
    validateInputOnChange: true,
    validate: {
      name: (name) => (NAME.test(name) ? null : say('name_wrong')),
      path: (path) => (path.startsWith('/') ? null : say('path_wrong')),
      body: json,
      input_schema: json,
    },
  })
  const saving = useMutation({
    mutationFn: (typed: Typed) => save(connection_id, typed, of),
    onSuccess: () => {
      refresh(client, ['connections'])
      close()
    },
  })
  return (
    <Dialog close={close} size="lg" title={of ? say('edit', { name: of.name }) : say('new')}>
      <form onSubmit={form.onSubmit((typed) => saving.mutate(typed))}>
        <Stack>
          <Fields form={form} is_new={of === undefined} />
          {saving.error && <Wrong error={saving.error} />}
          <DialogEnd close={close} loading={saving.isPending}>
            {words('save')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}

function Fields({ form, is_new }: { form: UseFormReturnType<Typed>; is_new: boolean }) {
  const say = useText()
  return (
    <>
      {is_new && (
        <TextInput
          label={say('name')}
          description={say('name_about')}
          data-autofocus
          {...form.getInputProps('name')}
        />
      )}
      <TextInput label={say('description')} maxLength={500} {...form.getInputProps('description')} />
      <Group align="flex-end">
        <Select
          label={say('method')}
          w={120}
          allowDeselect={false}
          data={[...METHODS]}
          {...form.getInputProps('method')}
        />
        <TextInput
          label={say('path')}
          description={say('path_about')}
          style={{ flex: 1 }}
          {...form.getInputProps('path')}
        />
      </Group>
      {(['body', 'input_schema'] as const).map((name) => (
        <Textarea
          key={name}
          label={say(name === 'body' ? 'body' : 'schema')}
          description={name === 'body' && say('body_about', { example: '{{path}}' })}
          autosize
          minRows={3}
          maxRows={14}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
          {...form.getInputProps(name)}
        />
      ))}
      <Group grow>
        <NumberInput
          label={say('timeout_ms')}
          min={100}
          max={120_000}
          allowDecimal={false}
          {...form.getInputProps('timeout_ms')}
        />
        <NumberInput
          label={say('retries')}
          min={0}
          max={5}
          allowDecimal={false}
          {...form.getInputProps('retries')}
        />
      </Group>
      <RateFields
        rates={form.values.rates}
        change={(rates) => form.setFieldValue('rates', rates)}
        props={(path) => form.getInputProps(`rates.${path}`)}
        none={say('rates_none')}
      />
      <Switch label={say('enabled')} {...form.getInputProps('is_enabled', { type: 'checkbox' })} />
    </>
  )
}

function save(id: string, typed: Typed, of: Stored | undefined): Promise<unknown> {
  const body = definitionOf(typed, of)
  if (!of) {
    const made = { ...body, name: typed.name }
    return ask(api.POST('/v1/connections/{id}/operations', { params: { path: { id } }, body: made }))
  }
  const params = { path: { id, operation: of.name } }
  return ask(api.PUT('/v1/connections/{id}/operations/{operation}', { params, body }))
}
