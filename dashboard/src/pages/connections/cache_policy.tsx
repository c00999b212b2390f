import { NumberInput, Select, Stack, Switch, TagsInput, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { Dialog, DialogEnd } from '../../parts/dialog.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import type { CachePolicy } from './reads.ts'

const useText = texts('cache_policy', {
  en: {
    title: 'Cache policy',
    path: 'Path',
    path_about: 'At the vendor, below the base URL, without the query; * stands for any text',
    path_wrong: 'Begins with / or *, without spaces, ? or #',
    strategy: 'How long it is kept',
    time_based: 'For a time',
    etag: 'As long as its ETag holds',
    conditional: 'As long as the vendor says',
    ttl_s: 'Fresh for (seconds)',
    stale_while_revalidate_s: 'Given out while the vendor is asked (seconds)',
    stale_if_error_s: 'Given out while the vendor fails (seconds)',
    invalidate_on: 'Events that drop it',
    invalidate_about: 'Types such as payment.*',
    enabled: 'On',
  },
  'pt-BR': {
    title: 'Política de cache',
    path: 'Caminho',
    path_about: 'No provedor, abaixo da URL base, sem a consulta; * vale por qualquer texto',
    path_wrong: 'Começa com / ou *, sem espaços, ? ou #',
    strategy: 'Por quanto tempo é guardada',
    time_based: 'Por um tempo',
    etag: 'Enquanto o ETag valer',
    conditional: 'Enquanto o provedor disser',
    ttl_s: 'Vale por (segundos)',
    stale_while_revalidate_s: 'Entregue enquanto o provedor é consultado (segundos)',
    stale_if_error_s: 'Entregue enquanto o provedor falha (segundos)',
    invalidate_on: 'Eventos que a descartam',
    invalidate_about: 'Tipos como payment.*',
    enabled: 'Ligada',
  },
})

export function useStrategy(): (strategy: CachePolicy['strategy']) => string {
  return useText()
}

const NEW: CachePolicy = { path: '/', strategy: 'time_based', ttl_s: 300 }
const SECONDS = ['ttl_s', 'stale_while_revalidate_s', 'stale_if_error_s'] as const
const LONGEST_S = 2_592_000

type DialogProps = {
  /** Absent where it is new. */
  of: CachePolicy | undefined
  is_saving: boolean
  close: () => void
  save: (policy: CachePolicy) => void
}

export function PolicyDialog({ of = NEW, is_saving, close, save }: DialogProps) {
  const say = useText()
  const words = useWords()
  const form = useForm({
    initialValues: {
      path: of.path,
      strategy: of.strategy,
      ttl_s: of.ttl_s ?? ('' as number | string),
      stale_while_revalidate_s: of.stale_while_revalidate_s ?? ('' as number | string),
      stale_if_error_s: of.stale_if_error_s ?? ('' as number | string),
      invalidate_on: of.invalidate_on ?? [],
      enabled: of.enabled ?? true,
    },
    validateInputOnChange: true,
    validate: { path: (path) => (/^[/*][^?#\s]*$/.test(path) ? null : say('path_wrong')) },
  })
  const submit = form.onSubmit(({ path, strategy, invalidate_on, enabled, ...seconds }) => {
    const { ttl_s: _ttl, stale_while_revalidate_s: _stale, stale_if_error_s: _error, ...kept } = of
    const told = SECONDS.filter((name) => seconds[name] !== '')
    save({
      ...kept,
      path,
      strategy,
      invalidate_on,
      enabled,
      ...Object.fromEntries(told.map((name) => [name, Number(seconds[name])])),
    })
  })
  return (
    <Dialog close={close} title={say('title')}>
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={say('path')}
            description={say('path_about')}
            data-autofocus
            {...form.getInputProps('path')}
          />
          <Select
            label={say('strategy')}
            allowDeselect={false}
            data={(['time_based', 'etag', 'conditional'] as const).map((one) => ({
              value: one,
              label: say(one),
            }))}
            {...form.getInputProps('strategy')}
          />
          {SECONDS.map((name) => (
            <NumberInput
              key={name}
              label={say(name)}
              min={0}
              max={LONGEST_S}
              allowDecimal={false}
              {...form.getInputProps(name)}
            />
          ))}
          <TagsInput
            label={say('invalidate_on')}
            description={say('invalidate_about')}
            {...form.getInputProps('invalidate_on')}
          />
          <Switch label={say('enabled')} {...form.getInputProps('enabled', { type: 'checkbox' })} />
          <DialogEnd close={close} loading={is_saving}>
            {words('save')}
          </DialogEnd>
        </Stack>
      </form>
    </Dialog>
  )
}
