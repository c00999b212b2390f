import type { EgressResult } from '../../platform/egress/egress.ts'

/** An answer that is not HTTP's own, as HTTP would have it. `began` is of `performance.now()`. */
export function jsonAnswer(
  began: number,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): EgressResult {
  const total_ms = performance.now() - began
  return {
    kind: 'response',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(value)),
    truncated: false,
    timing: { first_byte_ms: total_ms, total_ms },
  }
}
