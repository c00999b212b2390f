import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import type { paths } from '../../api/schema.ts'
import { Facts } from '../../parts/facts.tsx'
import { Known } from '../../parts/known.tsx'
import { money } from '../../parts/money.ts'
import { State } from '../../parts/state.tsx'
import { When } from '../../parts/when.tsx'
import { texts } from '../../text/text.ts'
import { useText as usePaymentText } from './text.ts'

const useText = texts('payer_step', {
  en: {
    made: 'The payment is made; the payer has to finish it.',
    once: 'Hand this on now: where it is not kept, it is not shown again.',
    client_secret: 'For the form of the provider in the browser of the payer',
    redirect_url: 'Page where the payer goes on',
    qr_code_url: 'QR code',
    boleto_line: 'Line to be typed',
    boleto_url: 'Boleto',
    see: 'See the payment',
  },
  'pt-BR': {
    made: 'O pagamento foi criado; falta o pagador concluir.',
    once: 'Repasse isto agora: o que não é guardado não aparece de novo.',
    client_secret: 'Para o formulário do provedor no navegador do pagador',
    redirect_url: 'Página onde o pagador continua',
    qr_code_url: 'QR code',
    boleto_line: 'Linha digitável',
    boleto_url: 'Boleto',
    see: 'Ver o pagamento',
  },
})

export type Made = paths['/v1/payments']['post']['responses'][201]['content']['application/json']
type Action = NonNullable<Made['action']>

/** What the payer has to do yet, told once. */
export const PayerStep = ({ of }: { of: Made }) => of.action && <Steps of={of} action={of.action} />

function Steps({ of: { id, status, money: asked }, action }: { of: Made; action: Action }) {
  const say = useText()
  const word = usePaymentText()
  return (
    <Stack maw={760}>
      <Alert color="blue" title={say('made')}>
        <Text size="sm">{say('once')}</Text>
      </Alert>
      <Facts
        of={[
          { name: word('amount'), value: money(asked) },
          { name: word('status'), value: <State of={status} /> },
          { name: word('expires'), value: action.expires_at && <When at={action.expires_at} exact /> },
          ...useSteps(action),
        ]}
      />
      <Group>
        <Button component={Link} to={`/payments/${id}`}>
          {say('see')}
        </Button>
      </Group>
    </Stack>
  )
}

function useSteps(action: Action) {
  const say = useText()
  const word = usePaymentText()
  const link = (url: string | undefined) =>
    url?.startsWith('https://') ? (
      <Anchor href={url} target="_blank" rel="noreferrer" size="sm" style={{ overflowWrap: 'anywhere' }}>
        {url}
      </Anchor>
    ) : (
      url && <Known of={url} />
    )
  const { pix_code, boleto_line, client_secret } = action
  return [
    { name: word('pix_code'), value: pix_code && <Known of={pix_code} />, whole: true },
    { name: say('boleto_line'), value: boleto_line && <Known of={boleto_line} />, whole: true },
    { name: say('redirect_url'), value: link(action.redirect_url), whole: true },
    { name: say('qr_code_url'), value: link(action.qr_code_url), whole: true },
    { name: say('boleto_url'), value: link(action.boleto_url), whole: true },
    { name: say('client_secret'), value: client_secret && <Known of={client_secret} />, whole: true },
  ]
}
