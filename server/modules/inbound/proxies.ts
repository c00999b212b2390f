import { BlockList, isIPv6 } from 'node:net'
import { once } from '../../platform/database/database.ts'
import type { App } from '../app.ts'

const trusted = once((app: App) => {
  const list = new BlockList()
  for (const entry of app.config.trusted_proxies) {
    const [address = '', bits] = entry.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  return list
})

/** Whether this peer, whose socket it is, is among the proxies of `TRILHO_TRUSTED_PROXIES`. */
export function isTrustedProxy(app: App, peer: string | undefined): boolean {
  if (peer === undefined || app.config.trusted_proxies.length === 0) return false
  const address = peer.replace(/^::ffff:(?=\d+\.)/, '')
  return trusted(app).check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
