import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from '../../test/ports.ts'
import type { GatewaySettings } from '../pipeline_peers.ts'
import { serveOrders, settingsOf } from '../programs.ts'

// Its own policies: the caller's key, a limit (which unless told otherwise holds each further request back for a
// second), the vendor's credentials, the proxy. It keeps its keys in memory and records nothing.
const { vendor, token } = settingsOf<GatewaySettings>()
const port = await freePort()

const gateway_config = `
http: { port: ${port}, hostname: 127.0.0.1 }
apiEndpoints: { api: { host: '*', paths: '/*' } }
serviceEndpoints: { vendor: { url: 'http://127.0.0.1:${vendor}' } }
policies: [key-auth, rate-limit, request-transformer, proxy]
pipelines:
  default:
    apiEndpoints: [api]
    policies:
      - key-auth:
      - rate-limit: [{ action: { max: 10000000, windowMs: 60000, delayAfter: 0, delayMs: 0 } }]
      - request-transformer: [{ action: { headers: { add: { authorization: "'Bearer ${token}'" } } } }]
      - proxy: [{ action: { serviceEndpoint: vendor } }]
`
const system_config = `
db: { redis: { emulate: true, namespace: EG } }
crypto: { cipherKey: bench, algorithm: aes256, saltRounds: 10 }
session: { secret: bench, resave: false, saveUninitialized: false }
accessTokens: { timeToExpiry: 7200000 }
refreshTokens: { timeToExpiry: 7200000 }
authorizationCodes: { timeToExpiry: 300000 }
`

process.noDeprecation = true
process.env['LOG_LEVEL'] = 'error'
const require = createRequire(import.meta.url)
const dir = await mkdtemp(join(tmpdir(), 'trilho-bench-gateway-'))
await cp(join(dirname(require.resolve('express-gateway')), 'config/models'), join(dir, 'models'), {
  recursive: true,
})
await writeFile(join(dir, 'gateway.config.yml'), gateway_config)
await writeFile(join(dir, 'system.config.yml'), system_config)
process.env['EG_CONFIG_DIR'] = dir
await require('express-gateway')().load(dir).run()
await rm(dir, { recursive: true })
const { user, credential } = require('express-gateway/lib/services')
const { id } = await user.insert({ username: 'bench', firstname: 'Bench', lastname: 'Bench' })
const { keyId, keySecret } = await credential.insertCredential(id, 'key-auth', {})

serveOrders({ port, authorization: `apiKey ${keyId}:${keySecret}` }, async () => null)
