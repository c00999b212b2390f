import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeTotpSecret, totpCode, totpStep, totpUri } from './totp.ts'

/** RFC 6238, appendix B: the ASCII text 12345678901234567890, in base32. */
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const VECTORS: [seconds: number, code: string][] = [
  [59, '94287082'],
  [1_111_111_109, '07081804'],
  [1_111_111_111, '14050471'],
  [1_234_567_890, '89005924'],
  [2_000_000_000, '69279037'],
  [20_000_000_000, '65353130'],
]

test('codes are those of RFC 6238', () => {
  for (const [seconds, code] of VECTORS) assert.equal(totpCode(SECRET, new Date(seconds * 1000), 8), code)
})

test('a code holds for its step and the ones beside it', () => {
  const at = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000) // a step begins there
  const code = totpCode(SECRET, at(0))
  assert.equal(totpStep(SECRET, code, at(0)), 60_000_000)
  assert.equal(totpStep(SECRET, code, at(59)), 60_000_000)
  assert.equal(totpStep(SECRET, code, at(-30)), 60_000_000)
  assert.equal(totpStep(SECRET, code, at(60)), null)
  assert.equal(totpStep(SECRET, code, at(-31)), null)
  assert.equal(totpStep(SECRET, `${code}0`, at(0)), null)
})

test('a secret has 160 bits and stands in the address an app reads', () => {
  const secret = makeTotpSecret()
  assert.match(secret, /^[A-Z2-7]{32}$/)
  assert.notEqual(secret, makeTotpSecret())
  const uri = new URL(totpUri(secret, 'ana@example.com'))
  assert.equal(uri.protocol, 'otpauth:')
  assert.equal(decodeURIComponent(uri.pathname), '/Trilho:ana@example.com')
  assert.equal(uri.searchParams.get('secret'), secret)
})
