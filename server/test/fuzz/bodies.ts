import fc from 'fast-check'
import { type Schema, sampleOf } from '../world/operations.ts'
import { fitting } from './fitting.ts'
import { type Base, type Expected, nasty, rightRequest, type Spoil } from './shot.ts'

const withBody =
  (
    make: (
      body: Record<string, unknown>,
      schema: Schema,
      base: Base,
    ) => fc.Arbitrary<{ how: string; body: Buffer | string; expected: Expected | null }>,
  ): Spoil =>
  (operation, base) => {
    if (!operation.body) return null
    const request = rightRequest(operation, base)
    const right = sampleOf(operation.body) as Record<string, unknown>
    return make(right, operation.body, base).map(({ body, ...rest }) => ({
      ...rest,
      request: { ...request, body },
    }))
  }

const WRONG = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  '',
  'x',
  '\u0000',
  [],
  [[]],
  [null],
  {},
  { a: { b: 1 } },
  '9'.repeat(400),
]

const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
const BAD: Expected = { status: [400], field: /./ }

/** Bodies that are wrong, and some that fit. */
export const BODIES: Record<string, Spoil> = {
  'no JSON': withBody((body) =>
    fc
      .oneof(
        fc
          .integer({ min: 1, max: JSON.stringify(body).length - 1 })
          .map((at) => JSON.stringify(body).slice(0, at)),
        fc.constantFrom(
          '{',
          '}',
          '{"a":}',
          "{'a':1}",
          '{"a":1,}',
          '[1,2',
          'undefined',
          'NaN',
          '{"a":01}',
          '"\\x"',
          '//',
          '{} {}',
        ),
      )
      .map((text) => ({ how: text.slice(0, 60), body: text, expected: BAD })),
  ),
  'broken UTF-8': withBody((body) =>
    fc
      .constantFrom([0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc0, 0x80])
      .map((bytes) => ({
        how: bytes.join(' '),
        body: Buffer.concat([
          Buffer.from(JSON.stringify(body).replace(/}$/, ',"x":"')),
          Buffer.from(bytes),
          Buffer.from('"}'),
        ]),
        expected: BAD,
      })),
  ),
  'another type': withBody((body, { properties = {} }) =>
    Object.keys(properties).length === 0
      ? fc.constant({ how: 'none', body: JSON.stringify(body), expected: null })
      : fc
          .tuple(fc.constantFrom(...Object.keys(properties)), fc.constantFrom(...WRONG))
          .map(([name, wrong]) => {
            const type = properties[name]?.type
            const fits =
              type === undefined ||
              type === kindOf(wrong) ||
              (type === 'number' && kindOf(wrong) === 'integer')
            const expected = fits ? null : { status: [400], field: new RegExp(`^${name}`) }
            return {
              how: `${name} is ${JSON.stringify(wrong).slice(0, 30)}`,
              body: JSON.stringify({ ...body, [name]: wrong }),
              expected,
            }
          }),
  ),
  'an unknown field': withBody((body, { properties = {}, additionalProperties }) =>
    nasty
      .filter((name) => !(name in properties) && !(name in {}))
      .map((name) => ({
        how: JSON.stringify(name).slice(0, 40),
        body: JSON.stringify({ ...body, [name]: 1 }),
        // The published contracts pass over what they do not know.
        expected: additionalProperties === true ? null : { status: [400] },
      })),
  ),
  'a field is missing': withBody((body, { required = [] }) =>
    required.length === 0
      ? fc.constant({ how: 'none', body: JSON.stringify(body), expected: null })
      : fc.constantFrom(...required).map((name) => {
          const { [name]: _, ...rest } = body
          return { how: name, body: JSON.stringify(rest), expected: { status: [400], field: name } }
        }),
  ),
  'nested deeply': withBody((body) =>
    fc.constantFrom(65, 500, 20_000).map((levels) => ({
      how: String(levels),
      body: JSON.stringify(body).replace(
        /}$/,
        `${Object.keys(body).length > 0 ? ',' : ''}"deep":${deep(levels)}}`,
      ),
      expected: BAD,
    })),
  ),
  'too large': withBody((body, _schema, { body_limit }) =>
    fc.constant({
      how: 'body',
      body: JSON.stringify({ ...body, large: 'x'.repeat(body_limit) }),
      expected: { status: [413] },
    }),
  ),
  // A body of which nothing is required may be left out.
  'no object': withBody((_body, { required = [] }) =>
    fc
      .constantFrom('null', 'true', '1', '""', '[]', '[{}]', '')
      .map((text) => ({ how: text, body: text, expected: text || required.length > 0 ? BAD : null })),
  ),
  'nasty text': withBody((body, { properties = {} }) => {
    const names = Object.keys(properties).filter((name) => properties[name]?.type === 'string')
    return names.length === 0
      ? fc.constant({ how: 'none', body: JSON.stringify(body), expected: null })
      : fc.tuple(fc.constantFrom(...names), nasty).map(([name, text]) => ({
          how: `${name} is ${JSON.stringify(text).slice(0, 40)}`,
          body: JSON.stringify({ ...body, [name]: text }),
          expected: text.includes('\u0000') || !text.isWellFormed() ? { status: [400], field: name } : null,
        }))
  }),
  'something that fits': (operation, base) => {
    if (!operation.body) return null
    const request = rightRequest(operation, base)
    return fitting(operation.body).map((body) => ({
      how: JSON.stringify(body).slice(0, 200),
      request: { ...request, body: JSON.stringify(body) },
      expected: null,
    }))
  },
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}
