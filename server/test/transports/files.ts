import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AwsClient } from 'aws4fetch'
import { undoAfter } from '../harness.ts'
import { hasMoto, startMoto } from '../moto.ts'
import { hasSshd, startSshd } from '../sshd.ts'
import type { Started, Subject } from './subject.ts'

const files = (operation: string, input: object) => ({ operation: `files.${operation}`, input })

/** A file that is there already is not written over: who writes it twice is refused the second time. */
const CALLS = {
  safe: files('list', {}),
  wrong: files('read', { path: 'nothing.txt' }),
  unsafe: (n: number) => files('write', { path: `${n}.txt`, content: 'x' }),
}

const within = (folder: string) => async (n: number) => Number(existsSync(join(folder, `${n}.txt`)))

const startLocal = async (folder: string): Promise<Started> => ({
  port: null,
  place: () => ({ provider: 'files', settings: { place: 'local', base_url: pathToFileURL(folder).href } }),
  ...CALLS,
  done: within(folder),
})

async function startSftp(): Promise<Started> {
  const { port, folder, username, private_key, host_key, stop } = await startSshd()
  undoAfter(stop)
  return {
    port,
    place: (at) => ({
      provider: 'files',
      settings: { place: 'sftp', base_url: `sftp://127.0.0.1:${at}${folder}`, host_key },
      credentials: { username, private_key },
    }),
    ...CALLS,
    done: within(folder),
  }
}

async function startS3(): Promise<Started> {
  const { url, access_key_id, secret_access_key, stop } = await startMoto('exchange')
  undoAfter(stop)
  const aws = new AwsClient({
    accessKeyId: access_key_id,
    secretAccessKey: secret_access_key,
    service: 's3',
    region: 'us-east-1',
  })
  return {
    port: Number(new URL(url).port),
    place: (at) => ({
      provider: 'files',
      settings: { place: 's3', base_url: 's3://exchange', endpoint: `http://127.0.0.1:${at}` },
      credentials: { access_key_id, secret_access_key },
    }),
    ...CALLS,
    done: async (n) => Number((await aws.fetch(`${url}/exchange/${n}.txt`, { method: 'HEAD' })).ok),
  }
}

/** `folder` is one that the server under test may use. */
export const filesIn = (folder: () => string): Subject[] => [
  { name: 'file: local', skip: false, start: () => startLocal(folder()) },
  { name: 'file: SFTP', skip: !hasSshd && 'no OpenSSH server on this machine', start: startSftp },
  { name: 'file: S3', skip: !hasMoto && 'no moto on this machine', start: startS3 },
]
