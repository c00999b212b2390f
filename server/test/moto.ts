import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { AwsClient } from 'aws4fetch'
import { freePort } from './ports.ts'
import { listening } from './sshd.ts'

/** moto, which plays Amazon's services, where the machine has it (PyPI: moto[server]). */
export const hasMoto = spawnSync('moto_server', ['--help'], { stdio: 'ignore' }).status === 0

export type Moto = {
  url: string
  access_key_id: string
  secret_access_key: string
  /** From now on signatures are checked, of plain paths only: moto reckons with others decoded, as Amazon does not. */
  checkSignatures(): Promise<unknown>
  stop(): Promise<void>
}

/** With a user who may use S3, and an empty bucket. */
export async function startMoto(bucket: string): Promise<Moto> {
  const port = await freePort()
  const server = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: '1000000' },
  })
  const stop = async () => {
    if (server.exitCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }
  try {
    await listening(port)
    const url = `http://127.0.0.1:${port}`
    const keys = await makeUser(url)
    const owner = new AwsClient({
      accessKeyId: keys.access_key_id,
      secretAccessKey: keys.secret_access_key,
      service: 's3',
      region: 'us-east-1',
    })
    const made = await owner.fetch(`${url}/${bucket}`, { method: 'PUT' })
    if (!made.ok) throw new Error(`no bucket was made: ${await made.text()}`)
    const checkSignatures = () => fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: '0' })
    return { url, ...keys, checkSignatures, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function makeUser(url: string) {
  const nobody = new AwsClient({
    accessKeyId: 'first',
    secretAccessKey: 'first',
    service: 'iam',
    region: 'us-east-1',
  })
  const ask = async (given: Record<string, string>): Promise<string> => {
    const body = new URLSearchParams({ Version: '2010-05-08', UserName: 'trilho', ...given })
    const reply = await nobody.fetch(`${url}/`, {
      method: 'POST',
      body: body.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    if (!reply.ok) throw new Error(`moto answered ${reply.status}: ${await reply.text()}`)
    return reply.text()
  }
  await ask({ Action: 'CreateUser' })
  const keys = await ask({ Action: 'CreateAccessKey' })
  const all = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] }
  await ask({ Action: 'PutUserPolicy', PolicyName: 'all', PolicyDocument: JSON.stringify(all) })
  const read = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(keys)?.[1] ?? ''
  return { access_key_id: read('AccessKeyId'), secret_access_key: read('SecretAccessKey') }
}
