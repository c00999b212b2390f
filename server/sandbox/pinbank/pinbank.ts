import { randomBytes } from 'node:crypto'
import { json, readJson, remember, type SandboxReply, type SandboxRequest, type Vendor } from '../wire.ts'
import { openSealed, seal } from './cipher.ts'
import { type Answer, createLedger, type Ledger, refused } from './ledger.ts'

/**
 * Pinbank, in both of its dialects. Any user name with the password `sandbox-secret16`: below `/pinbank/api` by a token
 * of `/pinbank/api/token` and sealed bodies, elsewhere by HTTP Basic and plain ones. Card
 * `550e8400-e29b-41d4-a716-446655440000` is there from the start.
 *
 * Cents that end in 51 are declined.
 */
const PASSWORD = 'sandbox-secret16'
const TOKEN_LIFE_S = 1_800
const MOST = 10_000

export function createPinbank(): Vendor {
  const tokens = new Map<string, number>()
  const ledger = createLedger()
  return (request) => {
    const path = request.path.replace(/\/$/, '')
    if (request.method !== 'POST') return json(404, { Message: 'Não encontrado.' })
    if (path === '/api/token') return giveToken(tokens, request)
    return path.startsWith('/api/')
      ? sealed(ledger, tokens, path.slice('/api'.length), request)
      : plain(ledger, path, request)
  }
}

function giveToken(tokens: Map<string, number>, { body }: SandboxRequest): SandboxReply {
  const form = new URLSearchParams(body.toString())
  if (form.get('grant_type') !== 'password' || form.get('password') !== PASSWORD)
    return json(400, { error: 'invalid_grant', error_description: 'O usuário ou a senha estão incorretos.' })
  const token = randomBytes(24).toString('base64url')
  remember(tokens, token, Date.now() + TOKEN_LIFE_S * 1000, MOST)
  return json(200, { access_token: token, token_type: 'bearer', expires_in: TOKEN_LIFE_S })
}

function sealed(
  ledger: Ledger,
  tokens: Map<string, number>,
  path: string,
  { headers, body }: SandboxRequest,
): SandboxReply {
  const token = (headers.authorization ?? '').replace(/^bearer /i, '')
  const is_let_in = (tokens.get(token) ?? 0) > Date.now() && headers['username'] && headers['requestorigin']
  if (!is_let_in) return json(401, { Message: 'Authorization has been denied for this request.' })
  const { Data: outer } = (readJson(body) ?? {}) as { Data?: { Json?: unknown } }
  const opened = typeof outer?.Json === 'string' ? openSealed(outer.Json, PASSWORD) : null
  const { Data } = (opened === null ? {} : readJson(Buffer.from(opened))) as {
    Data?: Record<string, unknown>
  }
  if (!Data) return json(400, { Message: 'Json inválido.' })
  const { status, refusal, data } = ledger.obey(nameOf(path), fromSealed(Data))
  if (refusal) return json(status, refusal)
  return json(status, {
    ResultCode: 0,
    Message: 'Sucesso',
    Data: { Json: seal(JSON.stringify(data), PASSWORD) },
  })
}

const nameOf = (path: string) => path.split('/').at(-1) ?? ''

/** Both dialects ask for the same things under other names. */
const fromSealed = (data: Record<string, unknown>) => ({
  cents: Number(data['Valor']),
  installments: Number(data['QuantidadeParcelas'] ?? 1),
  is_held: data['TransacaoPreAutorizada'] === true,
  card_id: data['CartaoId'],
  card_number: data['NumeroCartao'],
  nsu: String(data['NsuOperacao'] ?? ''),
  from: data['DataInicial'],
  to: data['DataFinal'],
})

function plain(ledger: Ledger, path: string, { headers, body }: SandboxRequest): SandboxReply {
  const [, password] = Buffer.from((headers.authorization ?? '').replace(/^basic /i, ''), 'base64')
    .toString()
    .split(/:(.*)/s)
  if (password !== PASSWORD) return json(401, { Message: 'Authorization has been denied for this request.' })
  const data = readJson(body) as Record<string, unknown> | null
  if (!data) return json(400, { Message: 'Json inválido.' })
  const answer = ledger.obey(nameOf(path), {
    ...fromSealed(data),
    ...('ValorTransacao' in data && { cents: Math.round(Number(data['ValorTransacao']) * 100) }),
    ...('NumeroParcelas' in data && { installments: Number(data['NumeroParcelas']) }),
  })
  return path.startsWith('/PinPagSeguroController/') ? inOldManner(answer) : inData(answer)
}

const inData = ({ status, refusal, data }: Answer) =>
  json(status, refusal ?? { ResultCode: 0, Message: 'Success', Data: data })

/** The controller of charges and cards answers with `Status`. */
function inOldManner({ status, refusal, data }: Answer): SandboxReply {
  if (refusal) return json(status, { Status: false, Mensagem: refusal.Message })
  if (!data || Array.isArray(data)) return json(500, refused('Erro interno'))
  const { NsuOperacao, CartaoId, ...rest } = data
  if (CartaoId !== undefined) return json(status, { Status: true, CartaoId, ...rest })
  return json(status, { Status: true, NSU: String(NsuOperacao), ...rest, Mensagem: 'Transacao aprovada' })
}
