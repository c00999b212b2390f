import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import test from 'node:test'
import fc from 'fast-check'
import { type BrCode, readBrCode } from './brcode.ts'
import { BRCODE_RULES, type BrCodeRule } from './brcode_rules.ts'
import { type BrCodeInput, writeBrCode } from './brcode_write.ts'
import { crc16 } from './crc16.ts'
import { writeObject } from './emv.ts'

const EVP = '123e4567-e12b-12d1-a456-426655440000'
const REC = 'pix.example.com/rec/2353c790eefb11eaadc10242ac120002'
const COB = 'pix.example.com/8b3da2f39a4140d1a91abd93113bd441'

const STATIC =
  '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D'

const withCrc = (body: string): string => {
  const text = `${body}6304`
  return text + crc16(text).toString(16).toUpperCase().padStart(4, '0')
}

/** A static code with objects put in the place of others, a checksum that is right in the end; null takes one away. */
function code(changes: Record<string, string | null> = {}): string {
  const objects = {
    '00': '01',
    '26': account(['01', EVP]),
    '52': '0000',
    '53': '986',
    '58': 'BR',
    '59': 'Fulano de Tal',
    '60': 'BRASILIA',
    '62': '0503***',
    ...changes,
  }
  const present = Object.entries(objects).filter((entry): entry is [string, string] => entry[1] !== null)
  // A name of two digits without a leading zero is an index: an object puts those first.
  const ids = present.sort(([a], [b]) => a.localeCompare(b))
  return withCrc(ids.map(([id, value]) => writeObject(id, value)).join(''))
}

const account = (...objects: [string, string][]): string =>
  [['00', 'br.gov.bcb.pix'] as [string, string], ...objects]
    .map(([id, value]) => writeObject(id, value))
    .join('')

const recurrence = account(['25', REC])

function read(text: string): BrCode {
  const found = readBrCode(text)
  assert.ok(found.valid, found.valid ? '' : `${found.rule}: ${found.reason} ${text}`)
  return found
}

const ruleOf = (text: string): string => {
  const found = readBrCode(text)
  return found.valid ? 'valid' : found.rule
}

test('the checksum is CRC-16/CCITT-FALSE over the bytes of UTF-8', () => {
  assert.equal(crc16('123456789'), 0x29b1)
  assert.equal(crc16(''), 0xffff)
  assert.equal(STATIC.slice(-4), crc16(STATIC.slice(0, -4)).toString(16).toUpperCase())
})

// The Manual de Padrões para Iniciação do Pix 2.10: 2.6.3, 2.7.2, 2.8.5.1 to 2.8.5.3.
const MANUAL: [text: string, says: Partial<BrCode>, input: BrCodeInput][] = [
  [
    STATIC,
    { type: 'static', key: EVP, key_type: 'evp', url: null, txid: '***', amount: null, single_use: false },
    { key: EVP, merchant_name: 'Fulano de Tal', merchant_city: 'BRASILIA' },
  ],
  [
    '00020101021226700014br.gov.bcb.pix2548pix.example.com/8b3da2f39a4140d1a91abd93113bd4415204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***630464E4',
    { type: 'dynamic', key: null, url: COB, recurrence_url: null, single_use: true },
    { url: COB, merchant_name: 'Fulano de Tal', merchant_city: 'BRASILIA', single_use: true },
  ],
  [
    '00020126180014br.gov.bcb.pix5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***80740014br.gov.bcb.pix2552pix.example.com/rec/2353c790eefb11eaadc10242ac1200026304F2DA',
    { type: 'recurrence', key: null, url: REC, recurrence_url: REC },
    { recurrence_url: REC, merchant_name: 'Fulano de Tal', merchant_city: 'BRASILIA' },
  ],
  [
    '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865406100.505802BR5913Fulano de Tal6008BRASILIA62070503***80740014br.gov.bcb.pix2552pix.example.com/rec/2353c790eefb11eaadc10242ac12000263042875',
    { type: 'composite', key: EVP, url: null, recurrence_url: REC, amount: '100.50', amount_cents: 10_050 },
    {
      key: EVP,
      recurrence_url: REC,
      amount: '100.5',
      merchant_name: 'Fulano de Tal',
      merchant_city: 'BRASILIA',
    },
  ],
  [
    '00020101021226700014br.gov.bcb.pix2548pix.example.com/8b3da2f39a4140d1a91abd93113bd4415204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***80740014br.gov.bcb.pix2552pix.example.com/rec/2353c790eefb11eaadc10242ac1200026304FB42',
    { type: 'composite', key: null, url: COB, recurrence_url: REC, single_use: true },
    {
      url: COB,
      recurrence_url: REC,
      merchant_name: 'Fulano de Tal',
      merchant_city: 'BRASILIA',
      single_use: true,
    },
  ],
]

test('the examples of the Manual are read, and written the same to the last character', () => {
  for (const [text, says, input] of MANUAL) {
    const found = read(text)
    for (const [field, value] of Object.entries(says)) {
      assert.equal(found[field as keyof BrCode], value, `${field} of ${text}`)
    }
    assert.equal(found.merchant_name, 'Fulano de Tal')
    const written = writeBrCode(input)
    assert.equal(written.valid && written.text, text)
  }
})

test('codes that banks and others have published are read as they are', () => {
  const several = read(
    '00020104141234567890123426580014BR.GOV.BCB.PIX0136123e4567-e12b-12d1-a456-42665544000027300012BR.COM.OUTRO011001234567895204000053039865406123.455802BR5917NOME DO RECEBEDOR6008BRASILIA61087007490062190515RP12345678-201980390012BR.COM.OUTRO01190123.ABCD.3456.WXYZ6304AD38',
  )
  assert.equal(several.type, 'static') // the Manual do BR Code, 2.2: several arrangements, a hyphen in the txid
  assert.equal(several.txid, 'RP12345678-2019')
  assert.equal(several.postal_code, '70074900')
  const accented = read(
    '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASÍLIA62070503***6304B4F6',
  )
  assert.equal(accented.merchant_city, 'BRASÍLIA')
  const beside = read(code({ '26': account(['25', COB]), '62': '50300017BR.GOV.BCB.BRCODE01051.0.0' }))
  assert.equal(beside.txid, null)
})

test('amounts are kept as written, and counted without a float', () => {
  const published: [text: string, amount: string, cents: number][] = [
    ['520400005303986540310.5802BR5904CARL6010SAN.FIERRO62100506b4b4c463049878', '10.', 1000],
    ['5204000053039865402105802BR5904CARL6010SAN.FIERRO62090505o1ab46304970D', '10', 1000],
    ['52040000530398654030.95802BR5904CARL6010SAN.FIERRO62100506b4b4c463044D69', '0.9', 90],
    ['52040000530398654031005802BR5904CARL6010SAN.FIERRO62100506b4b4c46304040C', '100', 10_000],
  ]
  for (const [tail, amount, cents] of published) {
    const found = read(`00020126490014BR.GOV.BCB.PIX0111111111111110212Vacina covid${tail}`)
    assert.deepEqual([found.amount, found.amount_cents], [amount, cents])
  }
  assert.equal(read(code({ '54': '9999999999.99' })).amount_cents, 999_999_999_999)
})

test('a withdrawal may be of nothing said: its amount is settled when it is paid', () => {
  const found = read(code({ '26': account(['01', EVP], ['03', '12345678']), '54': '0.00' }))
  assert.deepEqual([found.withdrawal_ispb, found.amount_cents], ['12345678', 0])
})

test('beside a URL, amount and txid are not what counts, and refuse nothing', () => {
  const url = account(['25', COB])
  const found = read(code({ '26': url, '54': 'R$ 10', '62': '0532ABCDEFGHIJKLMNOPQRSTUVWXYZ123456' }))
  assert.deepEqual([found.type, found.amount, found.amount_cents], ['dynamic', null, null])
  assert.equal(read(code({ '26': url, '54': '123.45' })).amount, '123.45')
  assert.equal(read(code({ '26': url, '62': null })).txid, null)
})

test('a template of Pix without a URL among 80 to 99 is no recurrence', () => {
  assert.equal(read(code({ '80': account(['01', 'PADRAO.URL.PIX/0123ABCD']) })).type, 'static')
})

test('white space around is none of it; GUI and checksum may be in either case', () => {
  assert.equal(read(`\n ${STATIC}\r\n`).key, EVP)
  assert.equal(read(STATIC.replace(/1D3D$/, '1d3d')).key, EVP)
  assert.equal(read(code({ '26': null, '51': account(['01', EVP]).replace('br.gov', 'Br.Gov') })).key, EVP)
})

test('a value counts its characters: accents one, and so what Unicode keeps beyond its first plane', () => {
  const found = read(code({ '59': 'Açaí 🍇 do Zé', '60': 'São Luís' }))
  assert.deepEqual([found.merchant_name, found.merchant_city], ['Açaí 🍇 do Zé', 'São Luís'])
})

const HOSTS = { '26': account(['25', 'other.example.com/8b3d']), '80': recurrence }

const BROKEN: [rule: BrCodeRule, text: string][] = [
  ['empty', ' '],
  [
    'length',
    code({ '65': 'x'.repeat(99), '66': 'x'.repeat(99), '67': 'x'.repeat(99), '68': 'x'.repeat(99) }),
  ],
  ['characters', code({ '59': 'Fulano\u0007' })],
  ['characters', `${STATIC.slice(0, 40)}\ud83d${STATIC.slice(40)}`],
  ['crc_missing', STATIC.slice(0, -8)],
  ['crc_missing', 'pix copia e cola'],
  ['crc', STATIC.replace('BRASILIA', 'BRASILIO')],
  ['object_id', withCrc(`${STATIC.slice(0, -8)}X1021`)],
  ['object_length', code({ '61': '' })],
  ['object_length', withCrc(`${STATIC.slice(0, -8)}61+12`)],
  ['object_overrun', withCrc(STATIC.slice(0, -8).replace('62070503', '62990503'))],
  ['object_overrun', code({ '62': '0509***' })],
  ['object_repeated', withCrc(`${STATIC.slice(0, -8)}5903abc`)],
  ['payload_format', code({ '00': '02' })],
  ['payload_format', withCrc(`${STATIC.slice(6, -8)}000201`)],
  // A checksum that is right, but lies in the value of 62: as an object of the code there is none.
  ['crc_last', withCrc(STATIC.slice(0, -8).replace('62070503***', '62150503***'))],
  ['initiation', code({ '01': '13' })],
  ['merchant_category', code({ '52': null })],
  ['merchant_category', code({ '52': '58a2' })],
  ['currency', code({ '53': '840' })],
  ['currency', code({ '53': null })],
  ['country', code({ '58': 'AR' })],
  ['country', code({ '58': 'br' })],
  ['merchant_name', code({ '59': null })],
  ['merchant_name', code({ '59': 'A'.repeat(26) })],
  ['merchant_city', code({ '60': null })],
  ['merchant_city', code({ '60': 'Presidente Prudente' })],
  ['postal_code', code({ '61': '12345678901' })],
  ['not_pix', code({ '26': writeObject('00', 'br.com.outro') })],
  ['not_pix', code({ '26': null })],
  ['pix_repeated', code({ '27': account(['01', EVP]) })],
  ['pix_repeated', code({ '80': recurrence, '99': recurrence })],
  ['key_and_url', code({ '26': account(['01', '12345678909'], ['25', COB.slice(0, 40)]) })],
  ['key_or_url', code({ '26': account() })],
  ['key_or_url', code({ '26': account(), '80': account(['01', 'x']) })],
  // A slip in the id of the key: what was to be paid must not vanish beside the recurrence.
  ['key_or_url', code({ '26': account(['31', EVP]), '80': recurrence })],
  ['key', code({ '26': account(['01', '123.456.789-09']) })],
  ['key', code({ '26': account(['01', 'Fulano@Example.com']) })],
  ['url', code({ '26': account(['25', 'https://pix.example.com/qr/1']) })],
  ['url', code({ '26': account(['25', 'pix.example.com']) })],
  ['url', code({ '26': account(['25', 'eu@pix.example.com/qr']) })],
  ['url', code({ '26': account(['25', 'pix.example.com:8443/qr']) })],
  ['url', code({ '26': account(['25', 'pix.example.com/qr?x=1']) })],
  ['url', code({ '80': account(['25', 'localhost/rec/1']) })],
  ['withdrawal', code({ '26': account(['01', EVP], ['03', '1234567']) })],
  ['withdrawal', code({ '26': account(['25', COB], ['03', '12345678']) })],
  ['withdrawal', code({ '26': account(['01', EVP], ['03', '12345678']), '80': recurrence })],
  ['hosts', code(HOSTS)],
  ['amount', code({ '54': '98,73' })],
  ['amount', code({ '54': '98.735' })],
  ['amount', code({ '54': '.50' })],
  ['amount', code({ '54': '99999999999.99' })],
  ['amount_zero', code({ '54': '0.00' })],
  ['txid', code({ '62': null })],
  ['txid', code({ '62': '5004abcd' })],
  ['txid', code({ '62': `0526${'A'.repeat(26)}` })],
  ['txid', code({ '62': '0505Um Id' })],
]

test('each rule refuses by its name, with its reason', () => {
  assert.equal(ruleOf(code()), 'valid') // what the broken ones were, before
  for (const [rule, text] of BROKEN) {
    const found = readBrCode(text)
    assert.equal(found.valid ? 'valid' : found.rule, rule, text)
    assert.ok(!found.valid && found.reason.startsWith(BRCODE_RULES[rule]))
  }
  const tried = new Set(BROKEN.map(([rule]) => rule))
  assert.deepEqual(
    Object.keys(BRCODE_RULES).filter((rule) => !tried.has(rule as BrCodeRule)),
    [],
  )
})

test('the two URLs of a composite code are of one host, in whatever case', () => {
  const same = code({ '26': account(['25', 'PIX.EXAMPLE.COM/cobv/8b3d']), '80': recurrence })
  assert.equal(read(same).type, 'composite')
})

// fast-check: what is written is read as it was meant.
const words = (most: number) =>
  fc.stringMatching(new RegExp(`^[A-Za-z][A-Za-z0-9 .&-]{0,${most - 2}}[A-Za-z]$`))
const keys = fc.oneof(
  fc.constantFrom('52998224725', '12ABC34501DE35', '+5561912345678', 'fulano@example.com'),
  fc.uuid(),
)
const location = fc
  .stringMatching(/^[a-z]{1,10}(\/[a-zA-Z0-9._-]{1,20}){1,2}$/)
  .map((path) => `pix.example.com/${path}`)
const both = { merchant_name: words(25), merchant_city: words(15), single_use: fc.boolean() }
const statics = fc.record(
  {
    ...both,
    key: keys,
    recurrence_url: location,
    amount: fc
      .bigInt({ min: 1n, max: 999_999_999_999n })
      .map((cents) => `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`),
    txid: fc.stringMatching(/^[a-zA-Z0-9]{1,25}$/),
    description: fc.stringMatching(/^[a-zA-Z0-9]{1,30}$/),
  },
  { requiredKeys: ['merchant_name', 'merchant_city', 'key'] },
)
const dynamics = fc.record(
  { ...both, url: location, recurrence_url: location },
  { requiredKeys: ['merchant_name', 'merchant_city', 'url'] },
)

test('whatever can be written is read back as it was', () => {
  fc.assert(
    fc.property(fc.oneof(statics, dynamics), (input: BrCodeInput) => {
      const written = writeBrCode(input)
      assert.ok(written.valid, JSON.stringify(written))
      const found = read(written.text)
      assert.deepEqual(found, written.code)
      for (const [field, value] of Object.entries(input))
        assert.equal(found[field as keyof BrCode], value, field)
      const [payment, again] = [input.url ? 'dynamic' : 'static', input.recurrence_url]
      assert.equal(found.type, again ? 'composite' : payment)
    }),
  )
})

test('one character changed anywhere is found', () => {
  const character = fc.stringMatching(/^[ -~À-ÿ]$/)
  fc.assert(
    fc.property(statics, fc.nat(), character, (input, place, put) => {
      const written = writeBrCode(input)
      assert.ok(written.valid)
      const { text } = written
      const at = place % text.length
      fc.pre(text.charAt(at).toUpperCase() !== put.toUpperCase())
      assert.notEqual(
        ruleOf(`${text.slice(0, at)}${put}${text.slice(at + 1)}`.padEnd(text.length, 'x')),
        'valid',
      )
    }),
  )
})

test('no text makes it throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof readBrCode(text).valid === 'boolean'))
  fc.assert(
    fc.property(fc.string(), (text) => typeof readBrCode(withCrc(`000201${text}`)).valid === 'boolean'),
  )
})

const SPECIFICATION = new URL(
  '../../../../shared/reference/pix/bacen-pix-api-openapi-2.9.0.yaml',
  import.meta.url,
)

test('the codes in the specification of the API Pix are read', {
  skip: existsSync(SPECIFICATION) ? false : 'the specification is not here',
}, () => {
  const texts = [...readFileSync(SPECIFICATION, 'utf8').matchAll(/pixCopiaECola: (000201.+)$/gm)]
  const types = texts.map(([, text = '']) => read(text).type)
  assert.deepEqual(types, ['recurrence', 'composite', 'composite'])
})
