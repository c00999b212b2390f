import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { payload } from '../events.ts'
import { serveOrders, settingsOf } from '../programs.ts'
import { createPost, type Job, type PeerSettings } from './post.ts'

// With what its documentation advises for speed: the local queue and completion in batches.
const settings = settingsOf<PeerSettings>()
const post = createPost(settings)
const logger = new Logger(() => () => {})
const jobs = await makeWorkerUtils({ connectionString: settings.url, logger })
await jobs.migrate()

const work = () =>
  run({
    connectionString: settings.url,
    concurrency: settings.clients,
    noHandleSignals: true,
    logger,
    preset: {
      worker: {
        maxPoolSize: 10,
        localQueue: { size: 500 },
        completeJobBatchDelay: 5,
        failJobBatchDelay: 5,
      },
    },
    taskList: { post: (job) => post(job as Job) },
  })

let runner: Awaited<ReturnType<typeof work>> | null = null

serveOrders('ready', async ({ fill, count }: { fill: boolean; count: number }) => {
  if (!fill) {
    runner = await work()
    return
  }
  await runner?.stop()
  for (let from = 0; from < count; from += 500) {
    await jobs.addJobs(
      Array.from({ length: Math.min(500, count - from) }, (_, at) => ({
        identifier: 'post',
        payload: { id: `evt_${from + at}`, data: payload(from + at) },
      })),
    )
  }
})
