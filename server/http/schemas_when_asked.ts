import type { AnySchema, ValidateFunction } from 'ajv'

type Compiles = { compile(schema: AnySchema): ValidateFunction }

/**
 * Has each schema compiled by the first request that it judges, a few milliseconds. All of them at the start took longer
 * than the rest of it, and a process uses a few of them in its first minutes; one that only works uses none.
 */
export function compileWhenAsked(ajv: Compiles): void {
  const compile = ajv.compile.bind(ajv)
  ajv.compile = (schema) => {
    let compiled: ValidateFunction | undefined
    const validate = (data: unknown) => {
      compiled ??= compile(schema)
      const fits = compiled(data)
      validate.errors = compiled.errors
      return fits
    }
    validate.errors = null as ValidateFunction['errors']
    return validate as ValidateFunction
  }
}
