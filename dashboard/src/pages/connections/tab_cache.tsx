import { Badge, Button, Code, Group, Stack, Table, Text, TextInput, VisuallyHidden } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useAct, useRead } from '../../api/hooks.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { bytes, number, percent, short } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { useWords } from '../../parts/words.ts'
import { texts } from '../../text/text.ts'
import { PolicyDialog, useStrategy } from './cache_policy.tsx'
import { useNames } from './names.ts'
import type { CachePolicy, OneConnection } from './reads.ts'
import { Part, Stats } from './stat.tsx'
import { useRights } from './world.ts'

const useText = texts('connection_cache', {
  en: {
    policies: 'Which answers are kept',
    policies_about: 'The first policy whose path fits decides. A change drops what was kept before.',
    none: 'Nothing is kept: every call asks the vendor.',
    add: 'Add a policy',
    path: 'Path',
    how: 'How',
    ttl: 'Fresh for',
    events: 'Dropped by',
    off: 'off',
    remove: 'Remove',
    remove_question: 'Remove this policy? What is kept of every path of this connection is dropped.',
    saved: 'The policies were saved.',
    entries: 'Kept',
    size: 'Size',
    hits: 'From the cache',
    rate: 'Hit rate',
    revalidated: 'Still held (304)',
    misses: 'Asked the vendor',
    purge: 'Purge',
    purge_title: 'Drop what is kept',
    purge_about: 'Of the paths that fit, * standing for any text, or of all where it is empty.',
    purge_question: 'Drop the answers that are kept? The next reads ask the vendor.',
    purged: '{{n}} answers were dropped.',
  },
  'pt-BR': {
    policies: 'Quais respostas são guardadas',
    policies_about:
      'Decide a primeira política cujo caminho serve. Uma mudança descarta o que estava guardado.',
    none: 'Nada é guardado: toda chamada pergunta ao provedor.',
    add: 'Adicionar política',
    path: 'Caminho',
    how: 'Como',
    ttl: 'Vale por',
    events: 'Descartada por',
    off: 'desligada',
    remove: 'Remover',
    remove_question:
      'Remover esta política? O que está guardado de todos os caminhos desta conexão é descartado.',
    saved: 'As políticas foram salvas.',
    entries: 'Guardadas',
    size: 'Tamanho',
    hits: 'Do cache',
    rate: 'Acerto',
    revalidated: 'Ainda valiam (304)',
    misses: 'Perguntadas ao provedor',
    purge: 'Limpar',
    purge_title: 'Descartar o que está guardado',
    purge_about: 'Dos caminhos que servirem, * no lugar de qualquer texto, ou de todos se estiver vazio.',
    purge_question: 'Descartar as respostas guardadas? As próximas leituras perguntam ao provedor.',
    purged: '{{n}} respostas foram descartadas.',
  },
})

/** What is kept of the vendor's answers. */
export function CacheTab({ of }: { of: OneConnection }) {
  const say = useText()
  const may = useRights(of)
  const read = useRead(['connections', 'cache', of.id], () =>
    ask(api.GET('/v1/connections/{id}/cache', { params: { path: { id: of.id } } })),
  )
  return (
    <Shown read={read}>
      {(cache) => (
        <Stack>
          <Stats
            of={[
              [say('entries'), short(cache.entries)],
              [say('size'), bytes(cache.bytes)],
              [say('hits'), short(cache.hits + cache.stale)],
              [say('rate'), percent(rateOf(cache))],
              [say('revalidated'), short(cache.revalidated)],
              [say('misses'), short(cache.misses)],
            ]}
          />
          <Policies of={of} policies={cache.policies} />
          {may.write && <Purge id={of.id} />}
        </Stack>
      )}
    </Shown>
  )
}

type Counts = { hits: number; stale: number; revalidated: number; misses: number }

function rateOf({ hits, stale, revalidated, misses }: Counts): number | null {
  const reads = hits + stale + revalidated + misses
  return reads === 0 ? null : ((hits + stale) * 100) / reads
}

function Policies({ of, policies }: { of: OneConnection; policies: CachePolicy[] }) {
  const say = useText()
  const may = useRights(of)
  /** Which one is changed; one past the last is new. */
  const [changed, setChanged] = useState<number | null>(null)
  const putting = useAct({
    act: (next: CachePolicy[]) =>
      ask(
        api.PUT('/v1/connections/{id}/cache', {
          params: { path: { id: of.id } },
          body: { policies: next },
        }),
      ),
    done: say('saved'),
    changes: ['connections'],
  })
  return (
    <Part
      title={say('policies')}
      about={say('policies_about')}
      actions={
        may.write && (
          <Button
            size="xs"
            variant="light"
            leftSection={<IconPlus size={14} />}
            onClick={() => setChanged(policies.length)}
          >
            {say('add')}
          </Button>
        )
      }
    >
      {policies.length === 0 && (
        <Text size="sm" c="dimmed">
          {say('none')}
        </Text>
      )}
      {policies.length > 0 && (
        <PolicyTable
          policies={policies}
          may_write={may.write}
          edit={setChanged}
          remove={(at) => putting.mutateAsync(policies.filter((_, other) => other !== at))}
        />
      )}
      {changed !== null && (
        <PolicyDialog
          of={policies[changed]}
          is_saving={putting.isPending}
          close={() => setChanged(null)}
          save={(policy) =>
            putting.mutate(policies.toSpliced(changed, 1, policy), { onSuccess: () => setChanged(null) })
          }
        />
      )}
    </Part>
  )
}

type PolicyTableProps = {
  policies: CachePolicy[]
  may_write: boolean
  edit: (at: number) => void
  remove: (at: number) => Promise<unknown>
}

function PolicyTable({ policies, may_write, edit, remove }: PolicyTableProps) {
  const say = useText()
  const words = useWords()
  const strategy = useStrategy()
  const names = useNames()
  return (
    <Table fz="sm" verticalSpacing="xs">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{say('path')}</Table.Th>
          <Table.Th>{say('how')}</Table.Th>
          <Table.Th visibleFrom="sm">{say('ttl')}</Table.Th>
          <Table.Th visibleFrom="sm">{say('events')}</Table.Th>
          <Table.Th>
            <VisuallyHidden>{names('acts')}</VisuallyHidden>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {policies.map((policy, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a policy has no name but its place
          <Table.Tr key={at}>
            <Table.Td>
              <Code>{policy.path}</Code>{' '}
              {policy.enabled === false && (
                <Badge size="xs" color="gray" tt="none">
                  {say('off')}
                </Badge>
              )}
            </Table.Td>
            <Table.Td>{strategy(policy.strategy)}</Table.Td>
            <Table.Td visibleFrom="sm">
              {policy.ttl_s === undefined ? '–' : `${number(policy.ttl_s)} s`}
            </Table.Td>
            <Table.Td visibleFrom="sm">{policy.invalidate_on?.join(', ') || '–'}</Table.Td>
            <Table.Td>
              {may_write && (
                <Group gap={4} justify="flex-end">
                  <Button size="compact-xs" variant="subtle" onClick={() => edit(at)}>
                    {words('edit')}
                  </Button>
                  <Confirm
                    size="compact-xs"
                    variant="subtle"
                    color="red"
                    question={say('remove_question')}
                    verb={say('remove')}
                    act={() => remove(at)}
                  />
                </Group>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

function Purge({ id }: { id: string }) {
  const say = useText()
  const [path, setPath] = useState('')
  const purging = useAct({
    act: () =>
      ask(
        api.POST('/v1/connections/{id}/cache/purge', {
          params: { path: { id } },
          body: path === '' ? {} : { path },
        }),
      ),
    done: ({ purged }) => say('purged', { n: number(purged) }),
    changes: ['connections'],
  })
  return (
    <Part title={say('purge_title')} about={say('purge_about')}>
      <Group align="flex-end">
        <TextInput
          label={say('path')}
          placeholder="/products/*"
          value={path}
          onChange={({ currentTarget }) => setPath(currentTarget.value)}
        />
        <Confirm
          variant="light"
          color="red"
          question={say('purge_question')}
          verb={say('purge')}
          act={() => purging.mutateAsync()}
        />
      </Group>
    </Part>
  )
}
