import { Queue, Worker } from 'bullmq'
import { payload } from '../events.ts'
import { serveOrders, settingsOf } from '../programs.ts'
import { createPost, type Job, type PeerSettings } from './post.ts'

// Done jobs are dropped, so that Redis keeps nothing the measurement did not ask for.
const settings = settingsOf<PeerSettings>()
const post = createPost(settings)
const connection = { host: '127.0.0.1', port: settings.redis_port ?? 6379 }
const queue = new Queue<Job>('bench', {
  connection,
  defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
})
let worker: Worker<Job> | null = null

serveOrders('ready', async ({ fill, count }: { fill: boolean; count: number }) => {
  if (!fill) {
    worker = new Worker<Job>('bench', ({ data }) => post(data), {
      connection: { ...connection, maxRetriesPerRequest: null },
      concurrency: settings.clients,
    })
    return
  }
  await worker?.close()
  for (let from = 0; from < count; from += 500) {
    await queue.addBulk(
      Array.from({ length: Math.min(500, count - from) }, (_, at) => ({
        name: 'post',
        data: { id: `evt_${from + at}`, data: payload(from + at) },
      })),
    )
  }
})
