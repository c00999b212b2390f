import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { CompactEncrypt, UnsecuredJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { createAuthority } from '../../sandbox/bank/authority.ts'
import type { Asking } from './asking.ts'
import { boundElsewhere, checkAcr, checkEncrypted, decrypting, type Fapi } from './fapi.ts'

/** What a client of FAPI refuses, whoever says it. The whole visit is tried against a bank elsewhere. */
const fapi: Fapi = {
  issuer: 'https://bank.example',
  mtls_aliases: false,
  response: 'code id_token',
  encryption_key: 'encryption_key',
  acr: ['urn:brasil:openbanking:loa2'],
  client_scope: 'consents',
}

test('a token that is bound to another certificate is not taken, and an opaque one is', () => {
  const authority = createAuthority('Authority')
  const [ours, others] = [authority.issue('ours'), authority.issue('others')]
  const identity = { owner: 'x', certificate: ours.certificate, key: ours.key }
  const bound = (pem: string) => new UnsecuredJWT({ cnf: { 'x5t#S256': thumbprintOf(pem) } }).encode()
  assert.equal(boundElsewhere(bound(ours.certificate), identity), false)
  assert.equal(boundElsewhere(bound(others.certificate), identity), true)
  assert.equal(boundElsewhere(bound(ours.certificate), undefined), true)
  assert.equal(boundElsewhere('an-opaque-token', undefined), false)
})

const thumbprintOf = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url')

test('an ID token is encrypted where that was agreed, and no other kind of encryption is opened', async () => {
  assert.throws(() => checkEncrypted(fapi, 'a.b.c'), /not encrypted/)
  checkEncrypted({ ...fapi, encryption_key: null }, 'a.b.c')
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const asking = { credentials: { encryption_key: pem } } as unknown as Asking
  const open = decrypting(fapi, asking)[oauth.jweDecrypt]
  assert(open)
  const sealed = (alg: string, enc: string) =>
    new CompactEncrypt(Buffer.from('the ID token')).setProtectedHeader({ alg, enc }).encrypt(publicKey)
  assert.equal(await open(await sealed('RSA-OAEP', 'A256GCM')), 'the ID token')
  await assert.rejects(open(await sealed('RSA-OAEP', 'A128CBC-HS256')))
  await assert.rejects(open(await sealed('RSA-OAEP-512', 'A256GCM')))
})

test('a bank that is less sure of the person than was asked is not believed', () => {
  checkAcr(fapi, { acr: 'urn:brasil:openbanking:loa2' })
  checkAcr({ ...fapi, acr: [] }, {})
  assert.throws(() => checkAcr(fapi, { acr: 'urn:brasil:openbanking:loa1' }), /loa1/)
  assert.throws(() => checkAcr(fapi, {}), /nothing/)
})
