import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * Which addresses may be reached. Pure; asked once per address and connection. Everything that is not plainly
 * public is refused (the ranges of the IANA special-purpose registries, and IPv6 outside 2000::/3), so that a
 * range nobody thought of is refused too.
 */
export type AddressRules = {
  /** CIDRs (or single addresses) that may be reached although they are not public. */
  allow: string[]
  /** Development: the developer's own machine may be reached. */
  allow_loopback: boolean
}

/** Says in words what kind of address it is when it is refused, and null when it may be reached. */
export type Refusal = (address: string) => string | null

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Cidr = [Address, number]

const WORDS: Record<string, string> = {
  loopback: 'a loopback address',
  private: 'a private address',
  uniqueLocal: 'a private (unique local) address',
  linkLocal: 'a link-local address',
  deprecatedSiteLocal: 'a site-local address',
  carrierGradeNat: 'a shared (carrier-grade NAT) address',
  unspecified: 'an unspecified address',
  multicast: 'a multicast address',
  broadcast: 'the broadcast address',
  benchmarking: 'a benchmarking address',
  rfc6052: 'a NAT64 address',
  '6to4': 'a 6to4 address',
  teredo: 'a Teredo address',
}

/**
 * The clouds' metadata services, which hand credentials to whoever asks: AWS, GCP and Azure (also on IPv6),
 * Alibaba, Azure's wire server (168.63.129.16, a public number). A wide CIDR does not open them, only their own.
 */
const METADATA = ['169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '168.63.129.16']

const METADATA_KEYS = new Set(METADATA.map((address) => ipaddr.parse(address).toString()))
const PUBLIC_IPV6 = ipaddr.parseCIDR('2000::/3')
const WELL_KNOWN_NAT64 = ipaddr.parseCIDR('64:ff9b::/96')

/** Throws a RangeError that names the entry of `allow` that is no CIDR. */
export function addressRules(rules: AddressRules): Refusal {
  const allowed = rules.allow.map(toCidr)
  return (text) => {
    if (isIP(text) === 0) return 'no IP address'
    const address = parse(text)
    const target = targetOf(address)
    const kind = kindOf(target)
    if (kind === null) return null
    if (kind === WORDS.loopback && rules.allow_loopback) return null
    const exact_only = METADATA_KEYS.has(target.toString())
    return allowed.some((cidr) => covers(cidr, target, exact_only) || covers(cidr, address, exact_only))
      ? null
      : kind
  }
}

/** By way of hexadecimal: ipaddr.js takes `::8.8.8.8`, as the system prints ::808:808, for the mapped ::ffff:808:808. */
function parse(text: string): Address {
  if (isIP(text) === 4) return ipaddr.parse(text)
  const [without_zone] = text.split('%')
  return ipaddr.parse(new URL(`http://[${without_zone}]`).hostname.slice(1, -1))
}

function toCidr(entry: string): Cidr {
  try {
    if (entry.includes('/')) return ipaddr.parseCIDR(entry)
    const address = ipaddr.parse(entry)
    return [address, address.toByteArray().length * 8]
  } catch {
    throw new RangeError(`TRILHO_EGRESS_ALLOW: ${entry} is no CIDR such as 10.0.0.0/8`)
  }
}

function covers([range, bits]: Cidr, address: Address, exact_only: boolean): boolean {
  if (range.kind() !== address.kind()) return false
  return (!exact_only || bits === address.toByteArray().length * 8) && address.match(range, bits)
}

/**
 * The machine that is reached in the end: the system connects ::ffff:a.b.c.d over IPv4, and a NAT64 gateway
 * forwards its well-known prefix, which DNS64 gives for every public IPv4 host. The other ways to wrap an IPv4
 * address (6to4, Teredo, the local-use NAT64 prefix) serve nobody any more and are refused whole.
 */
function targetOf(address: Address): Address {
  if (address instanceof ipaddr.IPv4) return address
  if (address.isIPv4MappedAddress()) return address.toIPv4Address()
  if (address.match(WELL_KNOWN_NAT64)) return new ipaddr.IPv4(address.toByteArray().slice(12))
  return address
}

function kindOf(address: Address): string | null {
  if (METADATA_KEYS.has(address.toString())) return 'a cloud metadata address'
  const range = address.range()
  if (range !== 'unicast') return WORDS[range] ?? 'a reserved address'
  const is_public = address instanceof ipaddr.IPv4 || address.match(PUBLIC_IPV6)
  return is_public ? null : 'a reserved address'
}
