import { Button, Stack, Text, Title } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { api, ask } from '../../api/client.ts'
import { useRead } from '../../api/hooks.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Body } from '../../parts/json.tsx'
import { Shown } from '../../parts/page.tsx'
import { When } from '../../parts/when.tsx'
import { useText } from './text.ts'

type Part = { encoding: 'text' | 'base64'; body: string } | null

/** What an attempt sent and was answered, unmasked, where the connection keeps it. Reading it is on the audit log. */
export function Whole({ call_id, number }: { call_id: string; number: number }) {
  const say = useText()
  const [is_open, { open, close }] = useDisclosure(false)
  const read = useRead(
    ['bodies', call_id, number],
    () =>
      ask(
        api.GET('/v1/calls/{id}/attempts/{number}/body', {
          params: { path: { id: call_id, number: String(number) } },
        }),
      ),
    { enabled: is_open },
  )
  return (
    <>
      <Button size="compact-xs" variant="default" onClick={open}>
        {say('whole')}
      </Button>
      <Dialog opened={is_open} close={close} size="xl" title={say('whole_title', { n: number })}>
        <Shown read={read}>
          {({ request, response, keep_until, truncated }) => (
            <Stack>
              <PartOf title={say('whole_request')} of={request} />
              <PartOf title={say('whole_response')} of={response} />
              <Text size="xs" c="dimmed">
                {truncated && `${say('whole_cut')} `}
                {say('kept_until')} <When at={keep_until} exact />
              </Text>
            </Stack>
          )}
        </Shown>
      </Dialog>
    </>
  )
}

function PartOf({ title, of }: { title: string; of: Part }) {
  const say = useText()
  if (!of) return null
  return (
    <div>
      <Title order={3} size="h5" mb="xs">
        {title}
      </Title>
      {of.encoding === 'base64' && <Text size="sm">{say('whole_base64')}</Text>}
      <Body text={of.body} />
    </div>
  )
}
