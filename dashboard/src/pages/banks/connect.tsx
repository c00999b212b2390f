import { Anchor, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Link, useNavigate } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { useConnections, useProviders } from '../../api/names.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { texts } from '../../text/text.ts'

const useText = texts('bank_connect', {
  en: {
    title: 'Connect a bank',
    none: 'There is no connection yet by which a bank can be read.',
    connection: 'Connection',
    connection_about:
      'By which the bank is read. Where people have to agree, each bank needs one of its own.',
    another: 'Connect a bank with a connection of its own',
    user_id: 'Person',
    user_id_about: 'Whose bank it is, in your own words, such as user-123',
    name: 'Name of the bank',
    bank_code: 'Code of the bank',
    bank_code_about: 'The ISPB, eight digits with its leading zeros, such as 00000000',
    bank_code_wrong: 'Must be letters and digits; of digits alone, exactly eight',
    required: 'Is required',
    done: '{{name}} is connected.',
  },
  'pt-BR': {
    title: 'Conectar um banco',
    none: 'Ainda não há uma conexão pela qual um banco possa ser lido.',
    connection: 'Conexão',
    connection_about:
      'Pela qual o banco é lido. Onde as pessoas precisam autorizar, cada banco precisa da sua própria.',
    another: 'Conectar um banco com uma conexão própria',
    user_id: 'Pessoa',
    user_id_about: 'De quem é o banco, nas suas palavras, como user-123',
    name: 'Nome do banco',
    bank_code: 'Código do banco',
    bank_code_about: 'O ISPB, oito dígitos com os zeros à esquerda, como 00000000',
    bank_code_wrong: 'Devem ser letras e dígitos; se só dígitos, exatamente oito',
    required: 'É obrigatório',
    done: '{{name}} está conectado.',
  },
})

export const READS = ['banking.transactions', 'banking.changes']

/** The connections by which a bank can be read. */
function useBankConnections() {
  const providers = useProviders()
  const able = new Set(
    providers
      .filter(({ operations }) => operations.some(({ operation }) => READS.includes(operation)))
      .map(({ id }) => id),
  )
  return useConnections().filter(({ provider }) => able.has(provider))
}

/** Puts a bank of a person on a connection that is there. */
export function ConnectBank({ close }: { close: () => void }) {
  const say = useText()
  const connections = useBankConnections()
  return (
    <Dialog close={close} title={say('title')}>
      {connections.length > 0 ? (
        <ConnectForm connections={connections} />
      ) : (
        <Stack>
          <Text size="sm">{say('none')}</Text>
          <Group justify="flex-end">
            <Button component={Link} to="/banks/new" onClick={close}>
              {say('another')}
            </Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  )
}

function ConnectForm({ connections }: { connections: { id: string; name: string }[] }) {
  const say = useText()
  const navigate = useNavigate()
  const required = (value: string) => (value.trim() === '' ? say('required') : null)
  const form = useForm({
    initialValues: { connection_id: '', user_id: '', name: '', bank_code: '' },
    validateInputOnChange: true,
    validate: {
      connection_id: required,
      user_id: required,
      name: required,
      bank_code: (typed) => (isBankCode(typed.trim()) ? null : say('bank_code_wrong')),
    },
  })
  const connecting = useAct({
    act: (values: typeof form.values) => ask(api.POST('/v1/banks', { body: trimmed(values) })),
    done: ({ name }) => say('done', { name }),
    changes: ['banks'],
  })
  const connect = (values: typeof form.values) =>
    connecting.mutate(values, { onSuccess: ({ id }) => navigate(`/banks/${id}`) })
  return (
    <form noValidate onSubmit={form.onSubmit(connect)}>
      <Stack>
        <Select
          label={say('connection')}
          description={say('connection_about')}
          withAsterisk
          searchable
          data={connections.map(({ id, name }) => ({ value: id, label: name }))}
          {...form.getInputProps('connection_id')}
        />
        <Anchor component={Link} to="/banks/new" size="sm">
          {say('another')}
        </Anchor>
        <TextInput
          label={say('user_id')}
          description={say('user_id_about')}
          withAsterisk
          maxLength={64}
          {...form.getInputProps('user_id')}
        />
        <TextInput label={say('name')} withAsterisk maxLength={128} {...form.getInputProps('name')} />
        <TextInput
          label={say('bank_code')}
          description={say('bank_code_about')}
          withAsterisk
          maxLength={32}
          {...form.getInputProps('bank_code')}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={connecting.isPending}>
            {say('title')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

export const isBankCode = (code: string): boolean =>
  /^[0-9A-Za-z_-]{1,32}$/.test(code) && (!/^[0-9]+$/.test(code) || code.length === 8)

const trimmed = <Values extends Record<string, string>>(values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value.trim()])) as Values
