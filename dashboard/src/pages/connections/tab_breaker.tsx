import { Button, Group, Stack, Text } from '@mantine/core'
import { api, ask } from '../../api/client.ts'
import { useAct } from '../../api/hooks.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { number } from '../../parts/figures.ts'
import { Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { BreakerBadge } from './badges.tsx'
import { type Breaker, type OneConnection, useBreaker } from './reads.ts'
import { Part, Stats } from './stat.tsx'
import { useRights } from './world.ts'

const useText = texts('connection_breaker', {
  en: {
    title: 'Circuit breaker',
    about: 'A vendor that fails is not asked for a while. Shared by all servers.',
    closed: 'Calls go through.',
    open: 'Nothing is sent: calls are refused at once.',
    half_open: 'One call at a time is let through to see whether the vendor is back.',
    off: 'It is switched off: however often the vendor fails, it is asked.',
    failures: 'Failures in a row',
    of: '{{n}} of {{most}}',
    last_failure: 'Last failure',
    opened: 'Opened',
    next: 'Tries again',
    by_hand: 'When it is closed by hand',
    changed: 'Changed',
    successes: 'Good calls since',
    do_open: 'Open',
    do_close: 'Close',
    question: 'Open the breaker? Every call through this connection is refused until somebody closes it.',
    is_open: 'The breaker is open: nothing more is sent.',
    is_closed: 'The breaker is closed: calls go through again.',
  },
  'pt-BR': {
    title: 'Disjuntor',
    about: 'Um provedor que falha deixa de ser chamado por um tempo. Vale para todos os servidores.',
    closed: 'As chamadas passam.',
    open: 'Nada é enviado: as chamadas são recusadas na hora.',
    half_open: 'Uma chamada por vez passa, para ver se o provedor voltou.',
    off: 'Está desligado: por mais que o provedor falhe, ele é chamado.',
    failures: 'Falhas seguidas',
    of: '{{n}} de {{most}}',
    last_failure: 'Última falha',
    opened: 'Aberto',
    next: 'Tenta de novo',
    by_hand: 'Quando alguém o fechar',
    changed: 'Mudou',
    successes: 'Chamadas boas desde então',
    do_open: 'Abrir',
    do_close: 'Fechar',
    question: 'Abrir o disjuntor? Toda chamada por esta conexão é recusada até que alguém o feche.',
    is_open: 'O disjuntor está aberto: nada mais é enviado.',
    is_closed: 'O disjuntor está fechado: as chamadas passam de novo.',
  },
})

/** Whether anything is sent, why, and the handle. */
export function BreakerTab({ of }: { of: OneConnection }) {
  const say = useText()
  const read = useBreaker(of.id)
  return (
    <Part
      title={say('title')}
      about={say('about')}
      actions={read.data && <Handle of={of} breaker={read.data} />}
    >
      <Shown read={read}>{(breaker) => <Now of={breaker} />}</Shown>
    </Part>
  )
}

function Handle({ of, breaker }: { of: OneConnection; breaker: Breaker }) {
  const say = useText()
  const may = useRights(of)
  const params = { path: { id: of.id } }
  const changes = ['connections', 'overview']
  const opening = useAct({
    act: () => ask(api.POST('/v1/connections/{id}/breaker/open', { params })),
    done: say('is_open'),
    changes,
  })
  const closing = useAct({
    act: () => ask(api.POST('/v1/connections/{id}/breaker/close', { params })),
    done: say('is_closed'),
    changes,
  })
  if (!may.write) return null
  return (
    <Group gap="xs">
      {breaker.state !== 'closed' && (
        <Button onClick={() => closing.mutate()} loading={closing.isPending}>
          {say('do_close')}
        </Button>
      )}
      {breaker.state !== 'open' && (
        <Confirm
          color="red"
          variant="light"
          question={say('question')}
          verb={say('do_open')}
          act={() => opening.mutateAsync()}
        />
      )}
    </Group>
  )
}

function Now({ of }: { of: Breaker }) {
  const say = useText()
  const most = of.limits?.failures
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <BreakerBadge id={of.connection_id} state={of.state} />
        <Text size="sm">{of.limits === null && of.state === 'closed' ? say('off') : say(of.state)}</Text>
      </Group>
      {of.reason && <Text size="sm">{of.reason}</Text>}
      <Stats
        of={[
          [
            say('failures'),
            most ? say('of', { n: number(of.failures), most: number(most) }) : number(of.failures),
          ],
          [say('last_failure'), <When key="last" at={of.last_failure_at} />],
          ...(of.state === 'closed'
            ? []
            : ([
                [say('opened'), <When key="opened" at={of.opened_at} />],
                [
                  say('next'),
                  of.next_attempt_at ? <When key="next" at={of.next_attempt_at} /> : say('by_hand'),
                ],
                [say('successes'), number(of.successes)],
              ] as const)),
          [say('changed'), <When key="changed" at={of.changed_at} />],
        ]}
      />
    </Stack>
  )
}
