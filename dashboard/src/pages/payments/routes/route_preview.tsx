import {
  Alert,
  Badge,
  Button,
  Card,
  Group,
  NumberInput,
  Select,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { api, ask } from '../../../api/client.ts'
import { nameIn, useConnections } from '../../../api/names.ts'
import type { paths } from '../../../api/schema.ts'
import { toMinor } from '../../../parts/money.ts'
import { MoneyInput } from '../../../parts/money_input.tsx'
import { Wrong } from '../../../parts/page.tsx'
import { To } from '../../../parts/to.tsx'
import { CURRENCIES, METHODS, type Route } from './route_draft.ts'
import { useText } from './route_text.ts'

type At = paths['/v1/payment-routes/preview']['post']
type Asked = At['requestBody']['content']['application/json']
type Told = At['responses'][200]['content']['application/json']
type Draft = {
  amount: number | string
  currency: string
  method: string | null
  installments: number | string
  customer: string
}

/** Which way a payment would go, by the route as it is saved. */
export function RoutePreview({ of }: { of: Route }) {
  const say = useText()
  const form = useForm<Draft>({
    initialValues: { amount: 100, currency: 'BRL', method: null, installments: '', customer: '' },
  })
  const preview = useMutation({
    mutationFn: (draft: Draft) =>
      ask(api.POST('/v1/payment-routes/preview', { body: askedOf(of.id, draft) })),
  })
  const { currency } = form.values
  return (
    <Card withBorder maw={860}>
      <form onSubmit={form.onSubmit((draft) => preview.mutate(draft))}>
        <Stack gap="sm">
          <Title order={2} size="h4">
            {say('try')}
          </Title>
          <Text size="sm" c="dimmed">
            {say('try_about')} {say('try_saved')}
          </Text>
          <Group align="flex-end" gap="sm">
            <MoneyInput
              label={say('amount')}
              currency={currency}
              rightSection={null}
              w={130}
              required
              {...form.getInputProps('amount')}
            />
            <Select
              label={say('currency')}
              w={100}
              data={[...CURRENCIES]}
              allowDeselect={false}
              {...form.getInputProps('currency')}
            />
            <Select
              label={say('method')}
              w={150}
              placeholder={say('any')}
              clearable
              data={METHODS.map((value) => ({ value, label: say(value) }))}
              {...form.getInputProps('method')}
            />
            <NumberInput
              label={say('installments')}
              w={100}
              min={1}
              max={24}
              allowDecimal={false}
              hideControls
              {...form.getInputProps('installments')}
            />
            <TextInput label={say('customer')} w={220} maxLength={255} {...form.getInputProps('customer')} />
            <Button type="submit" variant="default" loading={preview.isPending}>
              {say('try_now')}
            </Button>
          </Group>
          {preview.error && <Wrong error={preview.error} />}
          {preview.data && <Way of={preview.data} />}
        </Stack>
      </form>
    </Card>
  )
}

function askedOf(route_id: string, { amount, currency, method, installments, customer }: Draft): Asked {
  return {
    route_id,
    money: { amount: toMinor(Number(amount), currency), currency },
    ...(method !== null && { method: method as NonNullable<Asked['method']> }), // one of those offered
    ...(installments !== '' && { installments: Number(installments) }),
    ...(customer.trim() !== '' && { customer: customer.trim() }),
  }
}

function Way({ of: { rule, connections } }: { of: Told }) {
  const say = useText()
  const names = useConnections()
  if (!rule) return <Alert color="orange">{say('no_rule')}</Alert>
  const first = connections.findIndex(({ takes_it }) => takes_it)
  const n = rule.index + 1
  return (
    <Stack gap={6} role="status">
      <Text size="sm" fw={600}>
        {say('would', { n, name: rule.name ?? say('rule_n', { n }) })}
      </Text>
      {connections.map(({ connection_id: id, takes_it, because }, at) => (
        <Group key={id} gap="sm">
          <Badge
            variant="light"
            color={at === first ? 'teal' : takes_it ? 'blue' : 'gray'}
            tt="none"
            miw="max-content"
          >
            {say(at === first ? 'first' : takes_it ? 'takes' : 'skipped')}
          </Badge>
          <To to={`/connections/${id}`}>{nameIn(names, id)}</To>
          {because && (
            <Text size="xs" c="dimmed">
              {because}
            </Text>
          )}
        </Group>
      ))}
    </Stack>
  )
}
