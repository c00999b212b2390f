import { Anchor, Badge, Button, Card, Group, Stack, Text } from '@mantine/core'
import { ask } from '../api/client.ts'
import { usePages } from '../api/hooks.ts'
import { Empty, Shown } from '../parts/page.tsx'
import { State } from '../parts/state.tsx'
import { useWords } from '../parts/words.ts'
import { api, type Subscription } from './api.ts'
import { Head } from './head.tsx'
import { hrefOf } from './place.ts'
import { useText } from './text.ts'

/** Every address of the customer. */
export function List({ may_edit }: { may_edit: boolean }) {
  const say = useText()
  const word = useWords()
  const read = usePages(['subscriptions'], (cursor) =>
    ask(
      api.GET('/v1/portal/subscriptions', { params: { query: { limit: '50', ...(cursor && { cursor }) } } }),
    ),
  )
  const rows = read.data?.pages.flatMap(({ data }) => data) ?? []
  const add = may_edit && (
    <Button component="a" href={hrefOf({ at: 'new' })}>
      {say('add')}
    </Button>
  )
  return (
    <>
      <Head title={say('title')} about={say('about')} actions={rows.length > 0 && add} />
      <Shown read={read}>
        {() =>
          rows.length === 0 ? (
            <Empty title={say('none')} action={add}>
              {say('none_about')}
            </Empty>
          ) : (
            <Stack gap="sm">
              {rows.map((row) => (
                <Row key={row.id} of={row} />
              ))}
              {read.hasNextPage && (
                <Button
                  variant="default"
                  loading={read.isFetchingNextPage}
                  onClick={() => read.fetchNextPage()}
                >
                  {word('more')}
                </Button>
              )}
            </Stack>
          )
        }
      </Shown>
    </>
  )
}

const MOST_SHOWN = 4

function Row({ of }: { of: Subscription }) {
  const more = of.event_types.length - MOST_SHOWN
  return (
    <Card withBorder padding="md">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Stack gap={4} miw={0}>
          <Anchor href={hrefOf({ at: 'subscription', id: of.id })} fw={600}>
            {of.name}
          </Anchor>
          <Text size="sm" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
            {of.url}
          </Text>
          <Group gap={4} mt={4}>
            {of.event_types.slice(0, MOST_SHOWN).map((type) => (
              <EventBadge key={type} of={type} />
            ))}
            {more > 0 && <EventBadge of={`+${more}`} />}
          </Group>
        </Stack>
        <State of={of.state} />
      </Group>
    </Card>
  )
}

export const EventBadge = ({ of }: { of: string }) => (
  <Badge variant="default" tt="none" ff="monospace" fw={400}>
    {of}
  </Badge>
)
