import fc from 'fast-check'
import { type Schema, sampleOf } from '../world/operations.ts'

/** Values that the schema takes, or nearly. */
export function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(fitting))
  const samples = schema.examples ?? []
  switch (schema.type) {
    case 'object':
      return fittingObject(schema)
    case 'array':
      return fc.array(fitting(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 3 })
    case 'string':
      return fc.oneof(
        fc.constant(sampleOf(schema)),
        ...(schema.pattern === undefined
          ? [
              fc.string({
                unit: 'grapheme',
                minLength: schema.minLength ?? 0,
                maxLength: Math.min(schema.maxLength ?? 60, 60),
              }),
            ]
          : [fc.stringMatching(new RegExp(schema.pattern))]),
      )
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -5, max: schema.maximum ?? 5 })
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    default:
      return samples.length > 0 ? fc.constantFrom(...samples) : fc.jsonValue({ maxDepth: 3 })
  }
}

function fittingObject({
  properties = {},
  required = [],
  patternProperties = {},
}: Schema): fc.Arbitrary<unknown> {
  const names = Object.keys(properties)
  const [free] = Object.values(patternProperties)
  if (names.length === 0)
    return fc.dictionary(fc.string({ maxLength: 20 }), free ? fitting(free) : fc.jsonValue({ maxDepth: 2 }), {
      maxKeys: 3,
    })
  const fields = Object.fromEntries(names.map((name) => [name, fitting(properties[name] ?? {})]))
  return fc.record(fields, { requiredKeys: required })
}
