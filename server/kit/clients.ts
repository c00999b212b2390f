/**
 * Clients that the product brings not with it, since few need them and some are large. Who speaks to such a database or
 * broker installs its client beside the product.
 */
const PACKAGES = {
  '@cloudamqp/amqp-client': '@cloudamqp/amqp-client@4',
  kafkajs: 'kafkajs@2',
  mongodb: 'mongodb@7',
  tedious: 'tedious@20',
  oracledb: 'oracledb@26',
} as const

type Missing = Error & { missing: keyof typeof PACKAGES }

/** Throws words that name the package where it is not installed. */
export async function clientOf<T>(name: keyof typeof PACKAGES, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error
    const words = `the client for this is not installed: npm install ${PACKAGES[name]}, then restart Trilho`
    throw Object.assign(new Error(words, { cause: error }), { missing: name }) satisfies Missing
  }
}

export const isMissing = (error: unknown): error is Missing => error instanceof Error && 'missing' in error
