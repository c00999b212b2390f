import fc from 'fast-check'
import { fillPath, type Operation } from '../world/operations.ts'
import { BODIES } from './bodies.ts'
import { type Base, type Expected, nasty, rightRequest, type Shot, type Spoil } from './shot.ts'

/** Every way of spoiling a request, of which each operation takes those that fit it. */
export const shots = (operations: Operation[], base: Base): fc.Arbitrary<Shot> =>
  fc.oneof(
    ...operations.flatMap((operation) =>
      Object.entries({ ...BODIES, ...AROUND }).flatMap(([how, spoil]) => {
        const spoiled = spoil(operation, base)
        return spoiled
          ? [spoiled.map((shot) => ({ ...shot, how: `${how}: ${shot.how}`, operation: operation.id }))]
          : []
      }),
    ),
  )

const takesJson = ({ body }: Operation) => body !== null
const isGuarded = ({ access }: Operation) => access !== 'public'
/** What passes a request on leaves its headers to the vendor. */
const isOurs = ({ path, id }: Operation) => path.startsWith('/v1/') && !/^(proxy|stream)/.test(id)

const withHeaders =
  (
    fits: (operation: Operation) => boolean,
    values: (base: Base) => [Record<string, string | string[]>, Expected | null][],
  ): Spoil =>
  (operation, base) => {
    if (!fits(operation)) return null
    const request = rightRequest(operation, base)
    return fc.constantFrom(...values(base)).map(([headers, expected]) => ({
      how: JSON.stringify(headers).slice(0, 80),
      request: { ...request, headers: { ...request.headers, ...headers } },
      expected,
    }))
  }

/** What stands around the body: headers, ids, query strings, methods. */
const AROUND: Record<string, Spoil> = {
  'a content type': withHeaders(takesJson, () =>
    [
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      'application/json; charset=latin1',
      'application/jsonx',
      'x',
      'application/json;'.repeat(3),
    ].map((type) => [
      { 'content-type': type },
      type.startsWith('application/json;application') ? null : { status: [415] },
    ]),
  ),
  'an encoding': withHeaders(takesJson, () => [[{ 'content-encoding': 'gzip' }, { status: [415] }]]),
  'no proof': withHeaders(isGuarded, ({ key }) =>
    [
      '',
      'Bearer',
      'Bearer ',
      `Basic ${key}`,
      `Bearer ${key}x`,
      `Bearer ${key.slice(0, -1)}`,
      `Bearer ${'a'.repeat(6_000)}`,
      'Bearer eyJhbGciOiJub25lIn0.e30.',
      `${key}`,
      'Bearer é'.normalize(),
      `Bearer ${key} ${key}`,
    ].map((authorization) => [
      { authorization: Buffer.from(authorization).toString('latin1') },
      { status: [401] },
    ]),
  ),
  'another tenant': withHeaders(
    ({ access }) => access.includes(':'),
    ({ stranger }) => [
      [{ 'trilho-tenant': stranger }, { status: [403] }],
      [{ 'trilho-tenant': 'tnt_' }, { status: [400], field: 'trilho-tenant' }],
      [{ 'trilho-tenant': '' }, { status: [400], field: 'trilho-tenant' }],
      [{ 'trilho-tenant': `${stranger}, ${stranger}` }, { status: [400], field: 'trilho-tenant' }],
      [{ 'trilho-tenant': stranger.toUpperCase() }, { status: [400], field: 'trilho-tenant' }],
    ],
  ),
  'an idempotency key': withHeaders(
    (operation) => isOurs(operation) && operation.access !== 'admin' && takesKey(operation),
    () =>
      ['', ' ', 'a b', 'é', 'x'.repeat(256), '\t'].map((key) => [
        { 'idempotency-key': key },
        { status: [400], field: 'idempotency-key' },
      ]),
  ),
  'odd headers': withHeaders(isOurs, () => [
    [{ accept: 'image/png' }, null],
    [{ 'x-http-method-override': 'DELETE' }, null],
    [{ 'x-forwarded-for': "127.0.0.1, '; --" }, null],
    [{ 'if-none-match': '*', range: 'bytes=0-1' }, null],
    [{ cookie: 'a='.repeat(2_000) }, null],
    [{ traceparent: 'x'.repeat(500), 'request-id': '\t' }, null],
    [{ 'idempotency-key': ['a', 'b'] }, null],
    [{ 'accept-encoding': 'br;q=x, *;q=0' }, null],
  ]),
  'an id': (operation, base) => {
    if (!/\{/.test(operation.path)) return null
    const request = rightRequest(operation, base)
    const names = Object.keys(base.ids(operation))
    const ids = [
      'x',
      'tnt_',
      '%00',
      '%ff',
      '%',
      '%zz',
      '..%2f..',
      '%2e%2e',
      '~',
      '%F0%9F%92%A5',
      `evt_${'0'.repeat(26)}`,
      `con_${'z'.repeat(26)}`,
      'CON_01JZ8K3V9MF2TB7XQ4C5N6P8RS',
      '00000000-0000-0000-0000-000000000000',
      'x'.repeat(501),
      'x'.repeat(400),
      "'",
      '%22',
      'null',
      '1',
      '%e2%80%ae',
      'a;b',
      'a:b',
      '%20',
      '*',
      '__proto__',
    ]
    return fc
      .tuple(
        fc.constantFrom(...names),
        fc.oneof(
          fc.constantFrom(...ids),
          nasty.map((text) => encodeURIComponent(text.toWellFormed()).slice(0, 300)),
        ),
      )
      .map(([name, id]) => ({
        how: `${name} is ${id.slice(0, 60)}`,
        request: {
          ...request,
          path: fillPath(operation.path, { ...base.ids(operation), [name]: id || '-' }),
        },
        expected:
          // Whose a bank is, is said in words of the caller's own.
          name === 'rest' || name === 'user_id' || operation.id.startsWith('receive')
            ? null
            : { status: [400, 403, 404, 405] },
      }))
  },
  'a query': (operation, base) => {
    if (!isOurs(operation)) return null
    const request = rightRequest(operation, base)
    const bad = [
      '?x=1',
      '?limit=0',
      '?limit=-1',
      '?limit=abc',
      '?limit=1e2',
      '?limit=9999',
      '?limit=%20',
      '?limit=',
      '?cursor=x',
      '?cursor=',
      '?cursor=evt_',
      '?limit=1&limit=2',
      '?__proto__=1',
      '?limit[]=1',
      '?a[b]=c',
      '?%00=1',
      '?limit=%00',
      '?source_id=x',
      '?state=x',
      '?type=%ff%fe',
      '?constructor=1',
    ]
    const odd = ['?', '?&', '?&&=', '?%', '?%zz=%zz', '?limit=5&', '?#', '?;', '?a=%F0%9F%92%A5']
    // A request before this one may have deleted the thing, or may not touch it.
    const status = operation.path.includes('{') ? [400, 403, 404] : [400, 403]
    return fc
      .oneof(
        fc.constantFrom(...bad),
        fc.constantFrom(...odd),
        nasty.map((text) => `?q=${encodeURIComponent(text.toWellFormed()).slice(0, 900)}`),
        nasty.map((text) => `?cursor=${encodeURIComponent(text.toWellFormed()).slice(0, 900)}`),
      )
      .map((query) => ({
        how: query.slice(0, 60),
        request: { ...request, path: request.path + query },
        expected: bad.includes(query) ? { status } : null,
      }))
  },
  'a form': (operation) => {
    if (operation.id !== 'issueToken') return null
    const word = fc.constantFrom(
      'grant_type',
      'client_credentials',
      'client_id',
      'client_secret',
      'scope',
      '*',
      '%00',
      '%ff',
      '%',
      'é',
      '\u0000',
    )
    const form = fc.array(fc.tuple(word, fc.oneof(word, nasty)), { maxLength: 5 })
    const authorization = fc.constantFrom(
      '',
      'Basic',
      'Basic x',
      'Basic Og==',
      'Basic JTAwOmE=',
      'Basic /////w==',
      'Bearer x',
    )
    return fc.tuple(form, authorization).map(([pairs, basic]) => {
      const body = pairs.map((pair) => pair.join('=')).join('&')
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        ...(basic && { authorization: basic }),
      }
      return {
        how: body.slice(0, 60),
        request: { method: 'POST', path: operation.path, headers, body },
        expected: { status: [400, 401] },
      }
    })
  },
  'a method': (operation, base) => {
    const request = rightRequest(operation, base)
    return fc.constantFrom('TRACE', 'OPTIONS', 'PROPFIND', 'PUT', 'HEAD').map((method) => ({
      how: method,
      request: { ...request, method, headers: { authorization: `Bearer ${base.key}` }, body: null },
      expected: null,
    }))
  },
}

const takesKey = ({ parameters }: Operation): boolean =>
  parameters.some(({ name }) => name === 'Idempotency-Key')
