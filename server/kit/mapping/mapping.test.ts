import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { Problem } from '../../platform/errors.ts'
import { checkSteps, createBounded, type Mapped, runMapping, type Step, type Tools } from './mapping.ts'
import { parseExact } from './values.ts'

const shared = createBounded()
after(() => shared.close())
const bounded = shared.of('tenant')

const tools = (more: Partial<Tools> = {}): Tools => ({
  direction: 'out',
  bounded,
  ask: async () => assert.fail('nothing is asked here'),
  monotonic: () => performance.now(),
  ...more,
})
const run = (steps: Step[], input: unknown, more: Partial<Tools> = {}): Promise<Mapped> =>
  runMapping(steps, input, tools(more))

/** Compared as text: what is written is what counts, to the digit. */
async function gives(steps: Step[], input: unknown, expected: unknown, more: Partial<Tools> = {}) {
  checkSteps(steps, 'steps')
  const mapped = await run(steps, input, more)
  assert.ok(mapped.ok, JSON.stringify(mapped))
  assert.equal(
    JSON.stringify(mapped.output),
    typeof expected === 'string' ? expected : JSON.stringify(expected),
  )
}

async function fails(steps: Step[], input: unknown, field: string, reason: RegExp) {
  checkSteps(steps, 'steps')
  const mapped = await run(steps, input)
  assert.ok(!mapped.ok, JSON.stringify(mapped))
  assert.equal(mapped.faults[0]?.field, field)
  assert.match(String(mapped.faults[0]?.reason), reason)
}

const MAILCHIMP: Step = {
  kind: 'map',
  fields: { email_address: 'email', 'merge_fields.FNAME': 'first_name', 'merge_fields.LNAME': 'last_name' },
}
const theirs = { email_address: 'ana@example.com', merge_fields: { FNAME: 'Ana', LNAME: 'Reis' } }
const ours = { email: 'ana@example.com', first_name: 'Ana', last_name: 'Reis' }

test("one mapping reads a vendor's nested fields and writes them back", async () => {
  await gives([MAILCHIMP], theirs, ours)
  await gives([MAILCHIMP], ours, theirs, { direction: 'in' })
})

test('what no field names is kept, or dropped where the step says so', async () => {
  const fields = { a: 'b' }
  await gives([{ kind: 'map', fields }], { a: 1, c: { d: 2 } }, { c: { d: 2 }, b: 1 })
  await gives([{ kind: 'map', fields, others: 'drop' }], { a: 1, c: 2 }, { b: 1 })
  await gives([{ kind: 'map', fields: { a: 'b', b: 'a' } }], { a: 1, b: 2 }, { b: 1, a: 2 })
})

test('each element of a list keeps its own values', async () => {
  const fields = {
    'items[].sku': 'lines[].code',
    'items[].price.value': 'lines[].price',
    'tags[0]': 'first_tag',
  }
  const input = { items: [{ sku: 'A', price: { value: 1 } }, { sku: 'B' }], tags: ['x', 'y'] }
  await gives([{ kind: 'map', fields, others: 'drop' }], input, {
    lines: [{ code: 'A', price: 1 }, { code: 'B' }],
    first_tag: 'x',
  })
  const same: Step = { kind: 'map', fields: { 'items[].sku': 'items[].code' } }
  await gives(
    [same],
    { items: [{ sku: 'A' }, { sku: 'B', n: 1 }] },
    { items: [{ code: 'A' }, { n: 1, code: 'B' }] },
  )
})

test('a default fills a gap, a constant takes the place', async () => {
  const step: Step = {
    kind: 'map',
    defaults: { 'lines[].unit': 'un', note: '-' },
    constants: { 'meta.via': 'trilho' },
  }
  await gives(
    [step],
    { lines: [{ unit: null }, { unit: 'kg' }], note: 'x', meta: { via: 'y' } },
    {
      lines: [{ unit: 'un' }, { unit: 'kg' }],
      note: 'x',
      meta: { via: 'trilho' },
    },
  )
})

test('a mapping that cannot be meant is refused before it is kept, with its place', () => {
  const refused = (step: Step, field: string, detail: RegExp) =>
    assert.throws(
      () => checkSteps([step], 'mapping.in'),
      (error) => error instanceof Problem && error.occurrence.field === field && detail.test(error.message),
    )
  refused(
    { kind: 'map', fields: { a: 'x', b: 'x' } },
    'mapping.in.0.fields.b',
    /goes to x, as another field does/,
  )
  refused({ kind: 'map', fields: { 'a[]': 'x' } }, 'mapping.in.0.fields.a[]', /as many \[\] on both sides/)
  refused({ kind: 'map', constants: { '__proto__.x': 1 } }, 'mapping.in.0.constants.__proto__.x', /__proto__/)
  refused({ kind: 'map', fields: { 'a..b': 'x' } }, 'mapping.in.0.fields.a..b', /not a path/)
  refused({ kind: 'filter', where: { a: { $near: 1 } } }, 'mapping.in.0.where.a.$near', /no operator/)
  refused(
    { kind: 'format', fields: { d: { as: 'date', zone: 'Mars/X' } } },
    'mapping.in.0.fields.d.zone',
    /zone/,
  )
  refused(
    { kind: 'format', fields: { d: { as: 'date', to: 'dd/dd' } } },
    'mapping.in.0.fields.d.to',
    /pattern/,
  )
})

test('whatever the fields, what goes to a vendor comes back as it was', async () => {
  const name = fc.stringMatching(/^[a-z]{1,4}$/)
  const flat = fc.uniqueArray(name, { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(
      flat,
      fc.array(fc.jsonValue(), { minLength: 6, maxLength: 6 }),
      async (names, values) => {
        const fields = Object.fromEntries(names.map((one, n) => [`v${n}.${one}`, one]))
        const input = Object.fromEntries(names.map((one, n) => [one, values[n]]))
        const there = await run([{ kind: 'map', fields }], input, { direction: 'in' })
        assert.ok(there.ok)
        const back = await run([{ kind: 'map', fields }], there.output)
        assert.ok(back.ok)
        assert.deepEqual(JSON.parse(JSON.stringify(back.output)), JSON.parse(JSON.stringify(input)))
      },
    ),
    { numRuns: 60 },
  )
})

test('no number loses a digit on the way through, nor becomes a text', async () => {
  const text = '{"id":12345678901234567890,"price":12.50,"rate":1e-7,"n":3}'
  await gives(
    [{ kind: 'map', fields: { price: 'total.price' } }],
    parseExact(text),
    '{"id":12345678901234567890,"rate":1e-7,"n":3,"total":{"price":12.50}}',
  )
  await gives(
    [{ kind: 'template', template: { a: '{{id}}', b: 'nº {{id}}' } }],
    parseExact(text),
    '{"a":12345678901234567890,"b":"nº 12345678901234567890"}',
  )
})

test('dates are read and written in their zone, and the 31st of February is refused', async () => {
  const format = (format: object): Step => ({ kind: 'format', fields: { at: { as: 'date', ...format } } })
  await gives([format({ from: 'dd/MM/yyyy' })], { at: '22/11/2026' }, { at: '2026-11-22T03:00:00.000Z' })
  await gives(
    [format({ to: 'dd/MM/yyyy HH:mm' })],
    { at: '2026-11-22T02:30:00Z' },
    { at: '21/11/2026 23:30' },
  )
  await gives([format({ from: 'iso', to: 'unix' })], { at: '1970-01-01T00:01:00Z' }, { at: 60 })
  await gives(
    [format({ from: 'unix_ms', to: 'iso_date', zone: 'Asia/Tokyo' })],
    { at: 0 },
    { at: '1970-01-01' },
  )
  await gives(
    [format({ from: 'yyyyMMddHHmmss', zone: 'Europe/Lisbon' })],
    { at: '20260701120000' },
    {
      at: '2026-07-01T11:00:00.000Z',
    },
  )
  await gives([format({})], { at: null, b: 1 }, { at: null, b: 1 })
  await fails(
    [format({ from: 'dd/MM/yyyy' })],
    { at: '31/02/2026' },
    'at',
    /"31\/02\/2026", no date as dd\/MM\/yyyy/,
  )
  const ms = 1_795_319_636_000
  await gives([format({ from: 'unix_ms', to: 'yyyy' })], { at: ms }, { at: '2026' })
  await fails([format({ from: 'unix', to: 'yyyy' })], { at: ms }, 'at', /"1795319636000", no date as unix$/)
  await fails([format({})], { at: '2026-11-22T12:00:00+24:00' }, 'at', /no date as iso/)
})

test('numbers and amounts change their spelling and never their value', async () => {
  const format = (format: object): Step => ({ kind: 'format', fields: { 'v[].x': format as never } })
  const one = (x: unknown) => ({ v: [{ x }] })
  await gives([format({ as: 'number', from: 'pt-BR' })], one('1.234.567,80'), one('1234567.80'))
  await gives([format({ as: 'number', to: 'pt-BR', decimals: 2 })], one(-1234.5), one('-1.234,50'))
  await gives([format({ as: 'number', from: 'pt-BR', type: 'number' })], one('12,50'), '{"v":[{"x":12.50}]}')
  await gives(
    [format({ as: 'money', from: 'minor', to: 'decimal', currency: 'BRL' })],
    one('15050'),
    one('150.50'),
  )
  await gives(
    [format({ as: 'money', from: 'decimal', to: 'minor', currency: 'JPY' })],
    one('150'),
    one('150'),
  )
  await gives([format({ as: 'digits' })], one('123.456.789-09'), one('12345678909'))
  await gives([format({ as: 'boolean' })], one('sim'), one(true))
  await fails([format({ as: 'number', from: 'pt-BR' })], one('1.23'), 'v[].x', /no number as pt-BR/)
  await fails(
    [format({ as: 'money', from: 'decimal', to: 'minor', currency: 'BRL' })],
    one('1.005'),
    'v[].x',
    /2 decimals/,
  )
})

test('a template puts in values of any type and is never read twice', async () => {
  const template = {
    to: '{{phone}}',
    text: 'Oi {{name}}, {{missing}}!',
    n: '{{n}}',
    gone: '{{missing}}',
    all: ['{{l[].a}}'],
  }
  const input = { phone: '55', name: '{{n}}","x":"', n: 7, l: [{ a: 1 }, { a: 2 }] }
  await gives([{ kind: 'template', template }], input, {
    to: '55',
    text: 'Oi {{n}}","x":", !',
    n: 7,
    all: [[1, 2]],
  })
})

test('a filter keeps the elements that fit', async () => {
  const where = { price: { $gte: 10 } }
  await gives(
    [{ kind: 'filter', where, at: 'items' }],
    parseExact('{"items":[{"price":9.99},{"price":10.00}]}'),
    '{"items":[{"price":10.00}]}',
  )
  await fails([{ kind: 'filter', where, at: 'items' }], { items: 1 }, 'items', /no list/)
})

test('the filters of one mapping do no more than so much together, however many elements and steps there are', async () => {
  const element = { tags: Array.from({ length: 1000 }, (_, n) => `tag ${n}`) }
  const items = Array.from({ length: 1000 }, () => element)
  const where = { tags: { $in: Array.from({ length: 100 }, (_, n) => `none ${n}`) } }
  const filter = { kind: 'filter', where, at: 'items' } as const
  await fails([filter], { items }, 'items', /too much for the filters of a mapping/)
  const few = items.slice(0, 100)
  const kept = { ...filter, where: { tags: { $nin: where.tags.$in } } }
  await gives([kept], { items: few }, { items: few })
  await fails([kept, kept, kept], { items: few }, 'items', /too much for the filters of a mapping/)
})

test('an expression says what a mapping cannot, and knows nothing but its value', async () => {
  await gives(
    [{ kind: 'expression', expression: '$sum(items.(price * count))', at: 'total' }],
    {
      items: [
        { price: 1.5, count: 2 },
        { price: 2, count: 1 },
      ],
    },
    {
      items: [
        { price: 1.5, count: 2 },
        { price: 2, count: 1 },
      ],
      total: 5,
    },
  )
  await fails([{ kind: 'expression', expression: 'a.(' }], {}, 'expression', /fails/)
  const expression = '[$base64decode(body), $base64encode($uppercase("São")), $exists($base64decode(none))]'
  await gives([{ kind: 'expression', expression }], { body: 'U+NvIEpv428=' }, ['São João', 'U8NP', false])
  for (const expression of ['process', 'constructor', '$sum.constructor', '$type.constructor("return 1")()'])
    await run([{ kind: 'expression', expression }], { a: 1 }).then((mapped) =>
      assert.ok(
        !mapped.ok || JSON.stringify(mapped.output) === 'null' || mapped.output === undefined,
        JSON.stringify(mapped),
      ),
    )
})

test('an expression without an end, or that takes all memory, is ended, and the next one runs', async () => {
  const small = createBounded({ threads: 1, timeout_ms: 3_000 })
  const forever = '($f := function($n) { $n > 0 ? $f($n + 1) : 0 }; $f(1))'
  const swell = '($s := function($t) { $s($t & $t) }; $s("xxxxxxxxxxxxxxxx"))'
  for (const expression of [forever, swell]) {
    const mapped = await run([{ kind: 'expression', expression }], {}, { bounded: small.of('tenant') })
    assert.ok(!mapped.ok)
    assert.match(mapped.faults[0]?.reason ?? '', /longer than|memory|fails/)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  let after_all: Mapped | null = null
  // A thread that has just ended takes some of the time of the next to start.
  for (let n = 0; n < 20 && !after_all?.ok; n++)
    after_all = await run([{ kind: 'expression', expression: '1+1' }], {}, { bounded: small.of('tenant') })
  assert.ok(after_all?.ok && after_all.output === 2)
  await small.close()
})

test("the slow expressions of one tenant hold up nobody else's, however many there are", async () => {
  const forever = '($f := function($n) { $n > 0 ? $f($n + 1) : 0 }; $f(1))'
  const three = createBounded({ threads: 3, timeout_ms: 5_000 })
  let ended = 0
  const greedy = Array.from({ length: 40 }, async () => {
    const made = await three.of('greedy').run({ kind: 'expression', expression: forever, value: '{}' })
    ended += 1
    return made.ok ? '' : made.because
  })
  const quiet = await three.of('quiet').run({ kind: 'expression', expression: '1+1', value: '{}' })
  assert.deepEqual(quiet, { ok: true, text: '2' })
  assert.ok(ended < 20, `${ended} of the others were first`)
  await three.close()
  assert.equal((await Promise.all(greedy)).at(-1), 'was stopped', 'who still waits at the end is told')
})

test('of too many that wait the last of the one who has most is turned away', async () => {
  const one = createBounded({ threads: 1, queue: 3 })
  const ask = (owner: string, value: string) =>
    one.of(owner).run({ kind: 'template', template: '{{a}}', value: `{"a":"${value}"}` })
  const all = await Promise.all([
    ...['begun', 'first', 'second', 'third'].map((value) => ask('greedy', value)),
    ask('quiet', 'mine'),
    ask('greedy', 'fourth'),
  ])
  assert.deepEqual(
    all.map((made) => (made.ok ? JSON.parse(made.text) : made.because)),
    [
      'begun',
      'first',
      'second',
      'was not begun, since too many others wait',
      'mine',
      'was not begun, since too many others wait',
    ],
  )
  await one.close()
})

test('a step that was not begun is told as what will pass, one that is wrong is not', async () => {
  const none = createBounded({ threads: 1, queue: 0 })
  const of_none = { bounded: none.of('tenant') }
  for (const step of [
    { kind: 'expression', expression: 'a' },
    { kind: 'validate', schema: { required: ['a'] } },
  ] as Step[]) {
    const mapped = await run([step], {}, of_none)
    assert.equal(!mapped.ok && mapped.passing?.code, 'overloaded', JSON.stringify(mapped))
  }
  await none.close()
  const wrong = await run([{ kind: 'expression', expression: '$number("x")' }], {})
  assert.ok(!wrong.ok && wrong.passing === undefined)
})

test('what one expression does to the objects of its thread no other meets', async () => {
  const one = createBounded({ threads: 1 })
  await run(
    [{ kind: 'expression', expression: '$ ~> |$|{"__proto__": {"polluted": 1}}|' }],
    { a: 1 },
    { bounded: one.of('tenant') },
  )
  await run(
    [{ kind: 'expression', expression: '$merge([{"constructor": {"prototype": {"polluted": 1}}}])' }],
    {},
    { bounded: one.of('tenant') },
  )
  const mapped = await run(
    [{ kind: 'expression', expression: '[polluted, {}.polluted]' }],
    {},
    { bounded: one.of('tenant') },
  )
  assert.ok(mapped.ok && JSON.stringify(mapped.output) === '[]', JSON.stringify(mapped))
  await one.close()
})

test('a value that does not fit a schema is refused with each place and reason', async () => {
  const schema = {
    type: 'object',
    required: ['email'],
    properties: {
      items: {
        type: 'array',
        items: { type: 'object', required: ['sku'], properties: { n: { type: 'integer' } } },
      },
    },
  }
  const mapped = await run([{ kind: 'validate', schema }], { items: [{ n: 1.5 }] })
  assert.ok(!mapped.ok)
  assert.deepEqual(mapped.faults, [
    { field: 'email', reason: 'is missing' },
    { field: 'items.0.sku', reason: 'is missing' },
    { field: 'items.0.n', reason: 'must be integer' },
  ])
  await gives([{ kind: 'validate', schema }], { email: 'x' }, { email: 'x' })
  await fails(
    [{ kind: 'validate', schema: { type: 'nothing' } }],
    {},
    '',
    /the schema is not valid JSON Schema: type/,
  )
  const older = { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }
  await fails([{ kind: 'validate', schema: older }], [1], '0', /must be string/)
  const formed = {
    properties: { born: { format: 'date' }, email: { format: 'email' }, x: { format: 'own' } },
  }
  await gives(
    [{ kind: 'validate', schema: formed }],
    { born: '2000-02-29', x: 1 },
    { born: '2000-02-29', x: 1 },
  )
  await fails(
    [{ kind: 'validate', schema: formed }],
    { born: '2001-02-29' },
    'born',
    /must match format "date"/,
  )
  await fails([{ kind: 'validate', schema: formed }], { email: 'ana' }, 'email', /must match format "email"/)
  const redos = { type: 'object', properties: { a: { pattern: '^(a+)+$' } } }
  await fails([{ kind: 'validate', schema: redos }], { a: `${'a'.repeat(40)}!` }, 'a', /pattern/)
  const closed = { additionalProperties: false }
  await fails([{ kind: 'validate', schema: closed }], { colour: 1 }, '', /additional properties \(colour\)/)
})

test('a schema of a mapping means what one in the catalog or on a source means, and may look at more', async () => {
  const schema = {
    type: 'object',
    properties: {
      mail: { type: 'string', format: 'email' },
      path: { pattern: '^\\/v1\\/\\u0061$' },
      old: { items: [{ type: 'integer' }] },
      fee: { type: 'number', nullable: true },
    },
  }
  const step = { kind: 'validate', schema } as const
  const fits = { mail: 'a@b.example', path: '/v1/a', old: [1, 'x'], fee: 1 }
  await gives([step], fits, fits)
  await fails([step], { mail: 'nobody' }, 'mail', /email/)
  await fails([step], { old: ['x'] }, 'old.0', /integer/)
  const slow = createBounded({ threads: 1, timeout_ms: 60_000 })
  const allOf = Array.from({ length: 60 }, (_, at) => ({ minLength: at % 2 }))
  const many = Array.from({ length: 100_000 }, () => 'x')
  await gives([{ kind: 'validate', schema: { items: { allOf } } }], many, many, {
    bounded: slow.of('tenant'),
  })
  await slow.close()
})

test('XML, CSV and forms are read and written without losing a digit', async () => {
  const xml =
    '<?xml version="1.0"?><nota id="007"><valor>12.50</valor><item>A &amp; B</item><item>&#233;</item></nota>'
  await gives([{ kind: 'convert', from: 'xml' }], xml, {
    nota: { valor: '12.50', item: ['A & B', 'é'], '@id': '007' },
  })
  await gives([{ kind: 'convert', from: 'xml', xml: { lists: ['r.i'] } }], '<r><i>1</i></r>', {
    r: { i: ['1'] },
  })
  await gives([{ kind: 'convert', from: 'csv', csv: { delimiter: ';' } }], 'a;b\n"1;x";007\n', [
    { a: '1;x', b: '007' },
  ])
  await gives(
    [{ kind: 'convert', to: 'csv' }],
    [
      { a: 'x,"y"', b: 1 },
      { a: null, c: true },
    ],
    JSON.stringify('a,b,c\n"x,""y""",1,\n,,true\n'),
  )
  await gives([{ kind: 'convert', from: 'form' }], 'a=1&b=x+y&a=2', { a: ['1', '2'], b: 'x y' })
  await gives([{ kind: 'convert', to: 'form' }], parseExact('{"a":{"b":1.10}}'), JSON.stringify('a[b]=1.10'))
  const written = await run([{ kind: 'convert', to: 'xml', xml: { root: 'nota' } }], {
    '@id': '<1>',
    valor: '12.50',
    obs: 'a < b & "c"',
  })
  assert.ok(written.ok)
  assert.equal(written.content_type, 'application/xml')
  await gives([{ kind: 'convert', from: 'xml' }], written.output, {
    nota: { valor: '12.50', obs: 'a < b & "c"', '@id': '<1>' },
  })
})

test('line breaks and tabs that a reader of XML would change are written so that it does not', async () => {
  const value = { a: { '#text': '1\r\n2', '@b': '3\t4\r\n5' } }
  const written = await run([{ kind: 'convert', to: 'xml' }], value)
  assert.ok(written.ok)
  assert.match(String(written.output), /<a b="3&#9;4&#13;&#10;5">1&#13;\n2<\/a>$/)
  await gives([{ kind: 'convert', from: 'xml' }], written.output, value)
})

test('CDATA is the text that it is, and nothing in it is an entity or an element', async () => {
  const read: Step = { kind: 'convert', from: 'xml' }
  const html = '<p>Tom &amp; Jerry</p> '
  await gives([read], `<a>1<![CDATA[${html}]]></a>`, { a: `1${html}` })
  await gives([read], '<a><![CDATA[ ]]></a>', { a: ' ' })
  await gives([read], '<a><b><![CDATA[x]]></b><![CDATA[]]>&lt;</a>', { a: { b: 'x', '#text': '<' } })
  await gives([read], '<a><!-- <![CDATA[ --><b>1</b><!-- ]]> --></a>', { a: { b: '1' } })
  const written = await run([{ kind: 'convert', to: 'xml' }, read], { a: html.trim() })
  assert.deepEqual(written.ok && written.output, { a: html.trim() })
})

test('of a CSV no row is left out without a word', async () => {
  const lines = (n: number) => Array.from({ length: n }, (_, at) => String(at)).join('\n')
  for (const csv of [{}, { columns: ['a'] }, { header: false }]) {
    const step: Step = { kind: 'convert', from: 'csv', csv }
    const head = 'header' in csv ? 0 : 1
    const most = await run([step], lines(100_000 + head))
    assert.equal(most.ok && (most.output as unknown[]).length, 100_000)
    await fails([step], lines(100_001 + head), '', /more than 100000 rows/)
  }
})

test('XML with entities of its own, or names that are none, is refused', async () => {
  const bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
  await fails([{ kind: 'convert', from: 'xml' }], bomb, '', /document type/)
  await fails([{ kind: 'convert', from: 'xml' }], '<a><b></a>', '', /no XML/)
  for (const several of ['<a>1</a><b/>', '<a>1</a><a>2</a>', '<a>1</a>2', ''])
    await fails([{ kind: 'convert', from: 'xml' }], several, '', /no XML/)
  await fails([{ kind: 'convert', from: 'xml' }], '<a>'.repeat(3000) + '</a>'.repeat(3000), '', /no XML/)
  await fails([{ kind: 'convert', to: 'xml' }], { r: { 'a><b': 1 } }, 'r.a><b', /no name/)
  await fails([{ kind: 'convert', to: 'xml' }], { a: 1, b: 2 }, '', /one member/)
  await fails([{ kind: 'convert', to: 'xml' }], { a: { b: [1, [2]] } }, 'a.b.1', /list in a list/)
  for (const key of ['@id', '#text'])
    for (const value of [{ b: 1 }, [1]])
      await fails([{ kind: 'convert', to: 'xml' }], { a: { [key]: value } }, `a.${key}`, /cannot stand there/)
})

test('an enriching call is asked with what stands in the value, and its answer is put where the step says', async () => {
  const step: Step = {
    kind: 'enrich',
    connection_id: 'con_x',
    call: { method: 'GET', path: '/u/{{id}}' },
    at: 'user',
  }
  const ask: Tools['ask'] = async (_step, call) => ({ asked: call['path'] })
  await gives([step], { id: 7 }, { id: 7, user: { asked: '/u/7' } }, { ask })
  const refuse: Tools['ask'] = async () => {
    throw new Problem('vendor_failed', { detail: 'it is down' })
  }
  const failed = await run([step], { id: 7 }, { ask: refuse })
  assert.ok(!failed.ok && /failed: it is down/.test(failed.faults[0]?.reason ?? ''))
  await gives([{ ...step, on_failure: 'skip' }], { id: 7 }, { id: 7 }, { ask: refuse })
})

test('each step is on record with its time, and what it was given and gave where that is asked for', async () => {
  const steps: Step[] = [
    { kind: 'map', fields: { a: 'b' } },
    { kind: 'validate', schema: { required: ['c'] } },
  ]
  const mapped = await run(steps, { a: 1 }, { trace: true })
  assert.ok(!mapped.ok)
  assert.deepEqual(
    mapped.steps.map(({ took_ms, ...rest }) => [typeof took_ms, rest]),
    [
      ['number', { kind: 'map', ok: true, input: { a: 1 }, output: { b: 1 } }],
      ['number', { kind: 'validate', ok: false, input: { b: 1 }, error: 'c is missing' }],
    ],
  )
})
