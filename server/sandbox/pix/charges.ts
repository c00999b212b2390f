import { json, readJson, remember, type SandboxReply } from '../wire.ts'
import { type Books, type Charge, cents, MOST, now } from './books.ts'
import { invalid, notFound, type Violation } from './errors.ts'
import { copyAndPaste, newLocation } from './payload.ts'

/** `/cob/{txid}` and `/cobv/{txid}`. A txid is one charge, whatever its kind. */
type Kind = 'cob' | 'cobv'

const WORDS = {
  cob: { invalid: 'CobOperacaoInvalida', missing: 'CobNaoEncontrado' },
  cobv: { invalid: 'CobVOperacaoInvalida', missing: 'CobVNaoEncontrada' },
}

type Body = {
  calendario?: Record<string, unknown>
  devedor?: Record<string, unknown>
  valor?: { original?: unknown }
  chave?: unknown
  status?: unknown
  solicitacaoPagador?: unknown
  infoAdicionais?: unknown
}

const find = (books: Books, kind: Kind, txid: string): Charge | undefined => {
  const found = books.charges.get(txid)
  return found?.loc.tipoCob === kind ? found : undefined
}

export function readCharge(books: Books, kind: Kind, txid: string): SandboxReply {
  const found = find(books, kind, txid)
  return found
    ? json(200, found)
    : notFound(WORDS[kind].missing, 'Cobrança não encontrada para o txid informado')
}

export function putCharge(books: Books, kind: Kind, txid: string, bytes: Buffer): SandboxReply {
  const body = readJson(bytes) as Body | null
  const refuse = (violations: Violation[]) => invalid(WORDS[kind].invalid, violations)
  if (body === null || typeof body !== 'object')
    return refuse([{ razao: 'O corpo não respeita o schema.', propriedade: kind }])
  const wrong = faultsIn(kind, txid, body)
  if (wrong.length > 0) return refuse(wrong)
  const known = books.charges.get(txid)
  if (known && books.manner.known_txid === 'refuse')
    return refuse([
      { razao: 'O campo cob.txid encontra-se em uso.', propriedade: `${kind}.txid`, valor: txid },
    ])
  if (known && (known.status !== 'ATIVA' || known.loc.tipoCob !== kind))
    return refuse([
      {
        razao: 'A cobrança já existe, não está no status ATIVA, e a presente requisição busca alterá-la.',
        propriedade: `${kind}.txid`,
        valor: txid,
      },
    ])
  const charge = known ? revised(known, kind, body) : made(books, kind, txid, body)
  remember(books.charges, txid, charge, MOST)
  return json(201, charge)
}

const revised = (known: Charge, kind: Kind, body: Body): Charge =>
  Object.assign(known, { ...told(kind, body, known.calendario.criacao), revisao: known.revisao + 1 })

function made(books: Books, kind: Kind, txid: string, body: Body): Charge {
  const loc = { ...newLocation(books, kind), tipoCob: kind, txid }
  const { location } = loc
  return {
    txid,
    revisao: 0,
    status: 'ATIVA',
    loc,
    location,
    pixCopiaECola: copyAndPaste(location),
    ...told(kind, body, now()),
  }
}

const RECEIVER = {
  cnpj: '12345678000195',
  nome: 'Loja da Sandbox',
  logradouro: 'Rua do Teste, 1',
  cidade: 'Brasília',
  uf: 'DF',
  cep: '70000000',
}

function told(kind: Kind, body: Body, criacao: string): Pick<Charge, 'calendario' | 'valor' | 'chave'> {
  const { expiracao = 86_400, dataDeVencimento, validadeAposVencimento = 30 } = body.calendario ?? {}
  const calendario =
    kind === 'cob' ? { criacao, expiracao } : { criacao, dataDeVencimento, validadeAposVencimento }
  return {
    calendario: calendario as Charge['calendario'],
    valor: body.valor as Charge['valor'],
    chave: String(body.chave),
    ...(body.devedor && { devedor: body.devedor }),
    ...(body.solicitacaoPagador !== undefined && { solicitacaoPagador: body.solicitacaoPagador }),
    ...(body.infoAdicionais !== undefined && { infoAdicionais: body.infoAdicionais }),
    ...(kind === 'cobv' && { recebedor: RECEIVER }),
  }
}

function faultsIn(
  kind: Kind,
  txid: string,
  { calendario = {}, devedor, valor, chave, ...body }: Body,
): Violation[] {
  const amount = cents(valor?.original)
  const { expiracao = 1, dataDeVencimento } = calendario
  const day = typeof dataDeVencimento === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(dataDeVencimento)
  const wrong = (is_wrong: boolean, propriedade: string, razao: string): Violation[] =>
    is_wrong ? [{ propriedade: `${kind}.${propriedade}`, razao }] : []
  const { solicitacaoPagador: asked = '', infoAdicionais = [] } = body
  return [
    ...wrong(!/^[a-zA-Z0-9]{26,35}$/.test(txid), 'txid', 'O campo txid não respeita o schema.'),
    ...wrong(amount === null, 'valor.original', 'O campo valor.original não respeita o schema.'),
    ...wrong(amount === 0n, 'valor.original', 'O campo valor.original é zero.'),
    ...wrong(
      typeof chave !== 'string' || chave === '' || chave.length > 77,
      'chave',
      'O campo chave não respeita o schema.',
    ),
    ...wrong(
      kind === 'cob' && !(Number(expiracao) > 0),
      'calendario.expiracao',
      'O campo expiracao é igual ou menor que zero.',
    ),
    ...wrong(
      kind === 'cobv' && !day,
      'calendario.dataDeVencimento',
      'O campo dataDeVencimento não respeita o schema.',
    ),
    ...wrong(
      kind === 'cobv' && day && dataDeVencimento < now().slice(0, 10),
      'calendario.dataDeVencimento',
      'O campo dataDeVencimento é anterior à data de criação da cobrança.',
    ),
    ...wrong(kind === 'cobv' && !devedor, 'devedor', 'O objeto devedor não respeita o schema.'),
    ...wrong(
      devedor !== undefined && !isDebtor(devedor),
      'devedor',
      'O objeto devedor não respeita o schema.',
    ),
    ...wrong(
      typeof asked !== 'string' || [...asked].length > 140,
      'solicitacaoPagador',
      'O campo solicitacaoPagador não respeita o schema.',
    ),
    ...wrong(!areInfo(infoAdicionais), 'infoAdicionais', 'O objeto infoAdicionais não respeita o schema.'),
  ]
}

const areInfo = (all: unknown): boolean =>
  Array.isArray(all) &&
  all.length <= 50 &&
  all.every(({ nome, valor }: { nome?: unknown; valor?: unknown }) => isText(nome, 50) && isText(valor, 200))

const isText = (text: unknown, most: number): boolean => typeof text === 'string' && [...text].length <= most

const isDebtor = ({ cpf, cnpj, nome }: Record<string, unknown>): boolean =>
  typeof nome === 'string' &&
  (cpf === undefined) !== (cnpj === undefined) &&
  /^(\d{11}|[0-9A-Z]{14})$/.test(String(cpf ?? cnpj))

/** Of what may be revised, whether it is given up; the rest as it is put. */
export function patchCharge(books: Books, kind: Kind, txid: string, bytes: Buffer): SandboxReply {
  const charge = find(books, kind, txid)
  if (!charge) return readCharge(books, kind, txid)
  const body = (readJson(bytes) ?? {}) as Body
  const refuse = (razao: string) =>
    invalid(WORDS[kind].invalid, [{ razao, propriedade: `${kind}.status`, valor: String(body.status) }])
  if (charge.status !== 'ATIVA')
    return refuse('A cobrança não está ATIVA, e a presente requisição busca alterá-la.')
  if (body.status !== undefined && body.status !== 'REMOVIDA_PELO_USUARIO_RECEBEDOR')
    return refuse('O campo status não respeita o schema.')
  if (body.status !== undefined && Object.keys(body).length > 1)
    return refuse('A remoção não pode vir com outras alterações.')
  if (body.status !== undefined) charge.status = 'REMOVIDA_PELO_USUARIO_RECEBEDOR'
  if (body.valor && cents(body.valor.original)) charge.valor = body.valor as Charge['valor']
  const { dataDeVencimento } = body.calendario ?? {}
  if (typeof dataDeVencimento === 'string') charge.calendario.dataDeVencimento = dataDeVencimento
  charge.revisao += 1
  return json(200, charge)
}
