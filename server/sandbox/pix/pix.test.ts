import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { type Sandbox, startSandbox } from '../sandbox.ts'

/** The PSP of the sandbox, held against the specification of the Banco Central where it lies beside the project. */
type Json = Record<string, unknown>
type Reply = { status: number; body: Json }

let sandbox: Sandbox
let token: string
before(async () => {
  sandbox = await startSandbox({ port: 0 })
  const reply = await fetch(`${sandbox.url}/pix/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('psp:sandbox-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'cob.write' }),
  })
  token = String(((await reply.json()) as Json)['access_token'])
})
after(() => sandbox.stop())

async function ask(method: string, path: string, body?: unknown): Promise<Reply> {
  const reply = await fetch(`${sandbox.url}/pix${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  return { status: reply.status, body: text ? (JSON.parse(text) as Json) : {} }
}

const KEY = '7d9f0335-8dcc-4054-9bf9-0dbd61d36906'
const COB = { calendario: { expiracao: 3600 }, valor: { original: '37.00' }, chave: KEY }
let serial = 0
const newTxid = () => `sandboxtest${String(++serial).padStart(20, '0')}`

async function paid(more: Json = {}): Promise<{ txid: string; e2eid: string }> {
  const txid = newTxid()
  await ask('PUT', `/v2/cob/${txid}`, COB)
  const { body } = await ask('POST', '/_control/pay', { txid, ...more })
  return { txid, e2eid: String(body['endToEndId']) }
}

const file = new URL('../../../../shared/reference/pix/bacen-pix-api-openapi-2.9.0.yaml', import.meta.url)
const skip = existsSync(file) ? false : 'the reference folder is not here'

/**
 * The file has slips of its own: its pattern of a CPF has the slashes of another language in it, the list of Pix
 * requires `cobs` and that of charges an `idCob` that no charge has, and the address of a receiver is required beside it.
 */
function specification(): Ajv {
  const text = JSON.stringify(parse(readFileSync(file, 'utf8')))
  const { components } = JSON.parse(text.replaceAll('/^\\\\d{11}$/', '^\\\\d{11}$')) as {
    components: { schemas: Record<string, Json> }
  }
  const { schemas } = components
  delete schemas['DadosRecebedor']?.['required']
  Object.assign(schemas['PixConsultados'] ?? {}, { required: ['parametros', 'pix'] })
  for (const name of ['CobsConsultadas', 'CobsVConsultadas']) {
    const { cobs } = (schemas[name]?.['properties'] ?? {}) as { cobs: { items: { allOf: Json[] } } }
    cobs.items.allOf.pop()
  }
  const ajv = new Ajv({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'pix', components })
  return ajv
}

test('what it answers fits the official schemas, refusals and lists and webhooks among it', {
  skip,
}, async () => {
  const ajv = specification()
  const fits = (schema: string, value: unknown) => {
    const check = ajv.compile({ $ref: `pix#/components/schemas/${schema}` })
    assert.ok(check(value), `${schema}: ${ajv.errorsText(check.errors)} of ${JSON.stringify(value)}`)
  }
  const txid = newTxid()
  fits('CobGerada', (await ask('PUT', `/v2/cob/${txid}`, { ...COB, solicitacaoPagador: 'Oi' })).body)
  const due = newTxid()
  const devedor = { cpf: '12345678909', nome: 'Fulano de Tal' }
  const calendario = { dataDeVencimento: '2099-12-31', validadeAposVencimento: 3 }
  fits('CobVGerada', (await ask('PUT', `/v2/cobv/${due}`, { ...COB, calendario, devedor })).body)
  const { e2eid } = await paid()
  const refund = await ask('PUT', `/v2/pix/${e2eid}/devolucao/1`, { valor: '7.00' })
  fits('Devolucao', refund.body)
  fits('Pix', (await ask('GET', `/v2/pix/${e2eid}`)).body)
  fits('CobCompleta', (await ask('GET', `/v2/cob/${txid}`)).body)
  const day = 'inicio=2020-01-01T00:00:00Z&fim=2099-01-01T00:00:00Z'
  fits('CobsConsultadas', (await ask('GET', `/v2/cob?${day}`)).body)
  fits('CobsVConsultadas', (await ask('GET', `/v2/cobv?${day}`)).body)
  fits('PixConsultados', (await ask('GET', `/v2/pix?${day}&txIdPresente=true`)).body)
  fits('PayloadLocationCompleta', (await ask('POST', '/v2/loc', { tipoCob: 'cob' })).body)
  for (const refused of [
    await ask('GET', `/v2/cob/${newTxid()}`),
    await ask('PUT', `/v2/cob/${newTxid()}`, { ...COB, valor: { original: '0.00' } }),
    await ask('PUT', `/v2/pix/${e2eid}/devolucao/2`, { valor: '37.00' }),
    await ask('DELETE', `/v2/cob/${txid}`),
  ]) {
    assert.ok(refused.status >= 400)
    fits('Problema', refused.body)
  }
})

test('a charge is paid once, and given up only while it waits', async () => {
  const { txid } = await paid()
  assert.equal((await ask('POST', '/_control/pay', { txid })).status, 409)
  assert.equal(
    (await ask('PATCH', `/v2/cob/${txid}`, { status: 'REMOVIDA_PELO_USUARIO_RECEBEDOR' })).status,
    400,
  )
  assert.equal((await ask('PUT', `/v2/cob/${txid}`, COB)).status, 400)
  const open = newTxid()
  assert.equal((await ask('PUT', `/v2/cob/${open}`, COB)).body['revisao'], 0)
  assert.equal((await ask('PUT', `/v2/cob/${open}`, COB)).body['revisao'], 1)
  const gone = await ask('PATCH', `/v2/cob/${open}`, { status: 'REMOVIDA_PELO_USUARIO_RECEBEDOR' })
  assert.equal(gone.body['status'], 'REMOVIDA_PELO_USUARIO_RECEBEDOR')
  assert.equal((await ask('POST', '/_control/pay', { txid: open })).status, 409)
})

test('refunds never exceed their Pix, and none is made twice under one id', async () => {
  const { e2eid } = await paid()
  const refund = (id: string, valor: string) => ask('PUT', `/v2/pix/${e2eid}/devolucao/${id}`, { valor })
  assert.equal((await refund('1', '20.00')).status, 201)
  assert.equal((await refund('1', '20.00')).status, 400)
  assert.equal((await refund('2', '17.01')).status, 400)
  assert.equal((await refund('3', '17.00')).status, 201)
  assert.equal((await refund('4', '0.01')).status, 400)
})

test('of charges asked for together each is made or refused by itself, and a lot keeps its charges', async () => {
  const due = (txid: string, valor: string) => ({
    txid,
    calendario: { dataDeVencimento: '2099-12-31' },
    devedor: { cpf: '12345678909', nome: 'Fulano de Tal' },
    valor: { original: valor },
    chave: KEY,
  })
  const [good, bad] = ['a'.repeat(32), 'b'.repeat(32)]
  const put = (cobsv: unknown[]) => ask('PUT', '/v2/lotecobv/turma', { descricao: 'Turma', cobsv })
  assert.equal((await put([due(good, '10.00'), due(bad, '0.00')])).status, 202)
  const { body } = await ask('GET', '/v2/lotecobv/turma')
  assert.deepEqual(
    (body['cobsv'] as { txid: string; status: string }[]).map(({ txid, status }) => [txid, status]),
    [
      [good, 'CRIADA'],
      [bad, 'NEGADA'],
    ],
  )
  assert.equal((await ask('GET', `/v2/cobv/${good}`)).status, 200)
  assert.equal((await ask('GET', `/v2/cobv/${bad}`)).status, 404)
  assert.equal((await put([due(good, '10.00')])).status, 400)
  const revised = { cobsv: [{ txid: good, status: 'REMOVIDA_PELO_USUARIO_RECEBEDOR' }] }
  assert.equal((await ask('PATCH', '/v2/lotecobv/turma', revised)).status, 202)
  const removed = await ask('GET', `/v2/cobv/${good}`)
  assert.equal(removed.body['status'], 'REMOVIDA_PELO_USUARIO_RECEBEDOR')
})

test('a payer is asked about a recurrence that is there, and its address is given once', async () => {
  const { body: place } = await ask('POST', '/v2/locrec', { tipo: 'rec' })
  const rec = {
    vinculo: { contrato: '1', devedor: { cpf: '12345678909', nome: 'Fulano de Tal' } },
    calendario: { dataInicial: '2099-01-01', periodicidade: 'MENSAL' },
    politicaRetentativa: 'NAO_PERMITE',
    loc: place['id'],
  }
  const { body: made } = await ask('POST', '/v2/rec', rec)
  assert.equal((await ask('GET', `/v2/locrec/${place['id']}`)).body['idRec'], made['idRec'])
  assert.equal((await ask('POST', '/v2/rec', rec)).status, 400)
  const asked = (idRec: unknown) =>
    ask('POST', '/v2/solicrec', {
      idRec,
      calendario: { dataExpiracaoSolicitacao: '2099-01-01T00:00:00Z' },
      destinatario: { conta: '1', cpf: '12345678909', ispbParticipante: '12345678' },
    })
  assert.equal((await asked('RR0')).status, 400)
  const { body } = await asked(made['idRec'])
  const at = `/v2/solicrec/${body['idSolicRec']}`
  assert.equal((await ask('PATCH', at, { status: 'CANCELADA' })).status, 201)
  assert.equal((await ask('GET', at)).body['status'], 'CANCELADA')
})

test('it lets nobody in without a token', async () => {
  assert.equal((await fetch(`${sandbox.url}/pix/v2/cob`)).status, 401)
})

test('a Pix is told below the address of its key, and again when a refund of it has ended', async () => {
  const webhookUrl = `${sandbox.url}/bin/pix_hooks`
  await ask('PUT', `/v2/webhook/${KEY}`, { webhookUrl })
  const { txid, e2eid } = await paid()
  await ask('PUT', `/v2/pix/${e2eid}/devolucao/1`, { valor: '7.00' })
  const heard = await told(e2eid, 2)
  const [first, second] = heard.map(({ pix }) => pix[0])
  assert.equal(first?.txid, txid)
  assert.equal(first?.devolucoes, undefined)
  assert.equal(second?.devolucoes?.[0]?.status, 'DEVOLVIDO')
  await ask('DELETE', `/v2/webhook/${KEY}`)
})

type Told = { pix: { endToEndId: string; txid: string; devolucoes?: { status: string }[] }[] }

/** What a bin heard of a Pix; it takes whatever is posted below it. */
async function told(e2eid: string, count: number): Promise<Told[]> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const reply = await fetch(`${sandbox.url}/bin/pix_hooks/_requests?limit=100`)
    const { data } = (await reply.json()) as { data: { url: string; body: string }[] }
    assert.ok(
      data.every(({ url }) => url === '/pix_hooks/pix'),
      JSON.stringify(data.map(({ url }) => url)),
    )
    const bodies = data.map(({ body }) => JSON.parse(body) as Told)
    const mine = bodies.filter(({ pix }) => pix[0]?.endToEndId === e2eid)
    if (mine.length >= count) return mine
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`${e2eid} was not told ${count} times`)
}
