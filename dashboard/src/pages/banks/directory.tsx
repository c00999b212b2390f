import { Button, Card, Group, ScrollArea, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useState } from 'react'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import type { paths } from '../../api/schema.ts'
import { Shown } from '../../parts/page.tsx'
import { useText } from './new_text.ts'

type Found = paths['/v1/banks/participants']['get']['responses'][200]['content']['application/json']
export type Participant = Found['data'][number]

const SHORTEST = 2

/** Looks for an institution in the directories of Open Finance, once something was typed. */
export function Directory({ choose }: { choose: (one: Participant) => void }) {
  const say = useText()
  const [typed, setTyped] = useState('')
  const [query] = useDebouncedValue(typed.trim(), 400)
  const [chosen, setChosen] = useState<string | null>(null)
  return (
    <Card withBorder>
      <Stack gap="sm">
        <TextInput
          type="search"
          label={say('find')}
          description={say('find_about')}
          maxLength={100}
          value={typed}
          onChange={({ currentTarget }) => {
            setTyped(currentTarget.value)
            setChosen(null)
          }}
        />
        {chosen !== null ? (
          <Text size="sm" role="status">
            {say('chosen', { name: chosen })}
          </Text>
        ) : (
          query.length >= SHORTEST && (
            <Results
              query={query}
              choose={(one) => {
                setChosen(one.name)
                choose(one)
              }}
            />
          )
        )}
      </Stack>
    </Card>
  )
}

function Results({ query, choose }: { query: string; choose: (one: Participant) => void }) {
  const say = useText()
  const read = useRead(['participants', query], () =>
    ask(api.GET('/v1/banks/participants', { params: { query: { query } } })),
  )
  return (
    <Shown read={read}>
      {({ data }) => (
        <>
          <Text size="xs" c="dimmed" role="status">
            {data.length === 0 ? say('found_none') : say('found', { n: data.length })}
          </Text>
          <ScrollArea.Autosize mah={260} viewportProps={{ tabIndex: 0 }}>
            <Stack gap={4}>
              {data.map((one) => (
                <Button
                  key={`${one.provider} ${one.organisation_id} ${one.name}`}
                  variant="default"
                  justify="flex-start"
                  h="auto"
                  py={6}
                  onClick={() => choose(one)}
                >
                  <Group gap="xs" wrap="wrap">
                    <Text size="sm" fw={600}>
                      {one.name}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {[one.organisation, one.bank_code && `ISPB ${one.bank_code}`]
                        .filter(Boolean)
                        .join(' · ')}
                    </Text>
                  </Group>
                </Button>
              ))}
            </Stack>
          </ScrollArea.Autosize>
        </>
      )}
    </Shown>
  )
}
