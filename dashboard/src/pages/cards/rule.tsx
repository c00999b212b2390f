import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams } from 'react-router'
import { api, ask } from '../../api/client.ts'
import { useMay } from '../../api/session.tsx'
import { ConfirmAct } from '../../parts/confirm.tsx'
import { Page, Shown } from '../../parts/page.tsx'
import { useRule, useRules } from './reads.ts'
import { nextPosition } from './rule_draft.ts'
import { RuleForm } from './rule_form.tsx'
import { useText } from './rule_text.ts'

/** A rule is added at `/cards/rules/new` and changed at `…/{id}`. */
export function Component() {
  const { id } = useParams()
  return id ? <Known id={id} /> : <New />
}

function New() {
  const say = useText()
  return (
    <Page title={say('new')} about={say('about')}>
      <Shown read={useRules()}>{({ data }) => <RuleForm of={null} position={nextPosition(data)} />}</Shown>
    </Page>
  )
}

function Known({ id }: { id: string }) {
  const say = useText()
  const may = useMay()
  const read = useRule(id)
  return (
    <Page
      title={read.data?.name ?? say('rule')}
      about={say('about')}
      actions={read.data && may('cards:write') && <Delete id={id} />}
    >
      <Shown read={read}>
        {(rule) => <RuleForm key={rule.updated_at} of={rule} position={rule.position} />}
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
      act={() => ask(api.DELETE('/v1/cards/rules/{id}', { params: { path: { id } } }))}
      done={say('deleted')}
      then={() => {
        client.removeQueries({ queryKey: ['cards', 'rules'], exact: true }) // the list, not what is shown until we are there
        navigate('/cards/rules')
      }}
    />
  )
}
