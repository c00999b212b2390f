import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressRules } from './addresses.ts'

const strict = addressRules({ allow: [], allow_loopback: false })

// First and last address of each range of the IANA special-purpose registries, and what it is called.
const REFUSED: [kind: RegExp, ...addresses: string[]][] = [
  [/unspecified/, '0.0.0.0', '0.255.255.255', '::'],
  [/loopback/, '127.0.0.1', '127.255.255.255', '::1'],
  [/private/, '10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255'],
  [/carrier-grade NAT/, '100.64.0.0', '100.127.255.255'],
  [/link-local/, '169.254.0.0', '169.254.255.255', 'fe80::', 'fe80::1%lo', 'febf:ffff::1'],
  [/metadata/, '169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '168.63.129.16'],
  [/multicast/, '224.0.0.0', '239.255.255.255', 'ff00::', 'ff02::1', 'ff0e::1'],
  [/broadcast/, '255.255.255.255'],
  [/reserved|benchmarking/, '198.18.0.0', '198.19.255.255', '2001:2::', '2001:2:0:ffff::1'],
  [/reserved/, '192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::1', '3fff::1', '3fff:fff::1'],
  [/reserved/, '192.0.0.1', '192.0.0.192', '192.88.99.1', '192.31.196.1', '192.52.193.1', '192.175.48.1'],
  [/reserved/, '240.0.0.0', '255.255.255.254', '100::1', '5f00::1', '4000::1', 'e000::1', '2001:20::1'],
  [/unique local/, 'fc00::', 'fd12:3456::1', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  [/site-local/, 'fec0::1', 'feff::1'],
  [/loopback/, '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::127.0.0.1'],
  [/private/, '::ffff:10.1.2.3', '::ffff:c0a8:1', '64:ff9b::10.0.0.1', '64:ff9b::ac10:1'],
  [/metadata/, '::ffff:169.254.169.254', '64:ff9b::169.254.169.254', '::ffff:a83f:8110'],
  [/NAT64/, '64:ff9b:1::8.8.8.8', '64:ff9b:1:ffff::a00:1', '64:ff9b:1:a00:1::'],
  [/6to4/, '2002:7f00:1::', '2002:a00:1::1', '2002:808:808::1'],
  [/Teredo/, '2001::1', '2001:0:7f00:1::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff'],
  [/reserved/, '::127.0.0.1', '::8.8.8.8', '::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8'],
]

for (const [kind, ...addresses] of REFUSED) {
  test(`refused as ${kind.source}: ${addresses.join(' ')}`, () => {
    for (const address of addresses) assert.match(strict(address) ?? `${address} may be reached`, kind)
  })
}

test('public addresses may be reached, also through the well-known NAT64 prefix and mapped', () => {
  const open = ['8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255']
  open.push(
    '128.0.0.0',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '223.255.255.255',
  )
  open.push('2606:4700::1111', '2001:4860:4860::8888', '2a00:1450::1', '64:ff9b::8.8.8.8', '::ffff:8.8.8.8')
  for (const address of open) assert.equal(strict(address), null, address)
})

test('text that is no IP address is refused', () => {
  for (const text of ['', 'localhost', '127.1', '0x7f000001', '2130706433', '10.0.0.1.', '[::1]']) {
    assert.notEqual(strict(text), null, text)
  }
})

test('loopback, and nothing else, opens in development', () => {
  const development = addressRules({ allow: [], allow_loopback: true })
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    assert.equal(development(address), null, address)
  }
  for (const address of ['0.0.0.0', '::', '10.0.0.1', '169.254.169.254', 'fd00::1', '2002:7f00:1::']) {
    assert.notEqual(development(address), null, address)
  }
})

test('a listed range may be reached, in each form of its addresses, and its neighbours may not', () => {
  const rules = addressRules({ allow: ['10.1.0.0/16', 'fd12::/16', '192.168.7.7'], allow_loopback: false })
  for (const address of [
    '10.1.0.0',
    '10.1.255.255',
    '::ffff:10.1.2.3',
    '64:ff9b::10.1.2.3',
    'fd12::1',
    '192.168.7.7',
  ]) {
    assert.equal(rules(address), null, address)
  }
  for (const address of ['10.0.255.255', '10.2.0.0', 'fd13::1', '192.168.7.8', '127.0.0.1', '2002:a01:1::']) {
    assert.notEqual(rules(address), null, address)
  }
})

test('a wide range does not open the metadata services; naming one does', () => {
  const wide = addressRules({ allow: ['0.0.0.0/0', '::/0'], allow_loopback: false })
  assert.equal(wide('10.0.0.1'), null)
  assert.match(wide('169.254.169.254') ?? '', /metadata/)
  assert.match(wide('::ffff:169.254.169.254') ?? '', /metadata/)
  assert.match(wide('fd00:ec2::254') ?? '', /metadata/)
  const named = addressRules({ allow: ['169.254.169.254/32', 'fd00:ec2::254'], allow_loopback: false })
  assert.equal(named('169.254.169.254'), null)
  assert.equal(named('fd00:ec2::254'), null)
})

test('an entry that is no CIDR stops the start and is named', () => {
  for (const entry of ['10.0.0.0/33', 'intranet', '', '10.0.0/8/8', 'fd00::/129']) {
    assert.throws(() => addressRules({ allow: [entry], allow_loopback: false }), {
      name: 'RangeError',
      message: /TRILHO_EGRESS_ALLOW/,
    })
  }
})

test('wrapping an address never opens what is refused bare', () => {
  const hex = (a: number, b: number) => ((a << 8) | b).toString(16)
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      if (strict(address) === null) return
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
      const pair = `${hex(a, b)}:${hex(c, d)}`
      for (const wrapped of [
        `::ffff:${pair}`,
        `::${pair}`,
        `64:ff9b::${pair}`,
        `64:ff9b:1::${pair}`,
        `2002:${pair}::1`,
      ]) {
        assert.notEqual(isIP(wrapped), 0)
        assert.notEqual(strict(wrapped), null, wrapped)
      }
    }),
  )
})
