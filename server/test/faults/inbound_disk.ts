import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Product, startProduct } from './product.ts'

/**
 * A disk that fills up and is freed again, under a product with its own PostgreSQL: a warning below 5 GB, 503 below 1 GB,
 * and 200 again, with all that was answered 200 worked on.
 */
export type DiskTally = { accepted: number; refused: number; lost: number; broken: string[] }

const TOKEN = 'a-token-of-the-disk-trial'
/** The disk is looked at every 10 s. */
const SEEN_MS = 30_000
const AGAIN_MS = 100

export async function fillDisk(tell: (line: string) => void): Promise<DiskTally> {
  const dir = await mkdtemp(join(tmpdir(), 'trilho-faults-disk-'))
  await chmod(dir, 0o755) // as root PostgreSQL runs as somebody else, and keeps its data here
  const key = randomBytes(24).toString('hex')
  const product = await startProduct({
    TRILHO_DATA_DIR: dir,
    TRILHO_PORT: '0',
    TRILHO_SANDBOX: 'false',
    TRILHO_DEMO: 'false',
    TRILHO_ADMIN_KEY: key,
    TRILHO_LOG_LEVEL: 'error',
    NODE_OPTIONS: `--import=${new URL('./inbound_statfs.ts', import.meta.url)}`,
  })
  try {
    const free = (bytes: number) => writeFile(join(dir, 'free_bytes'), String(bytes))
    return await judge(product, key, free, tell)
  } finally {
    await product.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

async function judge(
  { url }: Product,
  key: string,
  free: (bytes: number) => Promise<void>,
  tell: (line: string) => void,
): Promise<DiskTally> {
  const { source, list } = await openShop(url, key)
  const tally: DiskTally = { accepted: 0, refused: 0, lost: 0, broken: [] }
  const post = async (): Promise<number> => {
    const body = JSON.stringify({ id: `m${tally.accepted + tally.refused}`, type: 'step' })
    const headers = { 'content-type': 'application/json', 'x-token': TOKEN }
    const { status, headers: answered } = await fetch(source, { method: 'POST', headers, body })
    if (status === 200) tally.accepted += 1
    else if (status === 503 && answered.has('retry-after')) tally.refused += 1
    else tally.broken.push(`a message was answered ${status}`)
    return status
  }
  const until = async (wanted: number, what: string) => {
    const deadline = performance.now() + SEEN_MS
    while ((await post()) !== wanted) {
      if (performance.now() > deadline) return void tally.broken.push(`${what} was not seen`)
      await sleep(AGAIN_MS)
    }
    tell(`  ${what}: ${tally.accepted} accepted, ${tally.refused} refused`)
  }
  await until(200, 'room')
  await free(900_000_000)
  await until(503, 'no room')
  const { status } = await fetch(`${url}/ready`)
  if (status !== 503) tally.broken.push(`/ready answered ${status} while there was no room`)
  await free(4_000_000_000)
  await until(200, 'little room')
  const { checks } = (await (await fetch(`${url}/ready`)).json()) as { checks: { disk: { detail: string } } }
  if (!checks.disk.detail.includes('4.0 GB')) tally.broken.push('/ready does not warn of little room')
  const deadline = performance.now() + SEEN_MS
  let completed = 0
  while (completed < tally.accepted && performance.now() < deadline) {
    completed = await list()
    await sleep(AGAIN_MS)
  }
  return { ...tally, lost: tally.accepted - completed }
}

/** A source, and how many of its messages were worked on. */
async function openShop(url: string, key: string) {
  const admin = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const create = async (path: string, headers: Record<string, string>, body: object) => {
    const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await response.json()) as Record<string, string>
  }
  const { id = '' } = await create('/v1/tenants', admin, { name: 'Disco Cheio' })
  const acting = { ...admin, 'trilho-tenant': id }
  const settings = { signature: 'token', signature_header: 'x-token' }
  const wanted = { provider: 'http', name: 'Disk', settings, secrets: [TOKEN] }
  const { url: source = '' } = await create('/v1/sources', acting, wanted)
  const list = async (): Promise<number> => {
    let count = 0
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query = `state=completed&limit=100${cursor && `&cursor=${cursor}`}`
      const response = await fetch(`${url}/v1/messages?${query}`, { headers: acting })
      const page = (await response.json()) as { data: unknown[]; next_cursor: string | null }
      count += page.data.length
      cursor = page.next_cursor
    }
    return count
  }
  return { source, list }
}
