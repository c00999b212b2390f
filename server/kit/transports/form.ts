import { scalarText } from '../mapping/mapping.ts'

/** `application/x-www-form-urlencoded` with brackets: `card[exp_year]=2030&expand[0]=charge`. Undefined is left out. */
export function formEncode(body: unknown): string {
  const pairs: [string, string][] = []
  collect('', body, pairs)
  return new URLSearchParams(pairs).toString().replaceAll('%5B', '[').replaceAll('%5D', ']')
}

function collect(name: string, value: unknown, pairs: [string, string][]): void {
  if (value === undefined || value === null) return
  const text = scalarText(value)
  if (text !== null || typeof value !== 'object') pairs.push([name, text ?? String(value)])
  else {
    for (const [key, member] of Object.entries(value))
      collect(name === '' ? key : `${name}[${key}]`, member, pairs)
  }
}
