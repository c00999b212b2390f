import { Stack } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from 'react-router'
import { api, ask } from '../../../api/client.ts'
import { useMay } from '../../../api/session.tsx'
import { ConfirmAct } from '../../../parts/confirm.tsx'
import { Id } from '../../../parts/id.tsx'
import { Page, Shown } from '../../../parts/page.tsx'
import { useRoute } from './reads.ts'
import { RouteForm } from './route_form.tsx'
import { RoutePreview } from './route_preview.tsx'
import { useText } from './route_text.ts'

/** A route is made at `/payments/routes/new`, and seen, changed and tried at `…/{id}`. */
export function Component() {
  const { id } = useParams()
  return id ? <Known id={id} /> : <New />
}

function New() {
  const say = useText()
  return (
    <Page title={say('new')} about={say('about')}>
      <RouteForm of={null} />
    </Page>
  )
}

function Known({ id }: { id: string }) {
  const say = useText()
  const may = useMay()
  const read = useRoute(id)
  return (
    <Page
      title={read.data?.name ?? say('route')}
      about={<Id of={id} whole />}
      actions={read.data && may('payments:write') && <Delete id={id} />}
    >
      <Shown read={read}>
        {(route) => (
          <Stack gap="lg">
            <RoutePreview of={route} />
            <RouteForm key={route.updated_at} of={route} />
          </Stack>
        )}
      </Shown>
    </Page>
  )
}

function Delete({ id }: { id: string }) {
  const say = useText()
  const navigate = useNavigate()
  const client = useQueryClient()
  return (
    <ConfirmAct
      color="red"
      variant="light"
      question={say('delete_sure')}
      verb={say('delete')}
      act={() => ask(api.DELETE('/v1/payment-routes/{id}', { params: { path: { id } } }))}
      done={say('deleted')}
      then={() => {
        client.removeQueries({ queryKey: ['payments', 'routes'], exact: true }) // the list, not what is shown until we are there
        navigate('/payments/routes')
      }}
    />
  )
}
