import { notifyAfter, type Tx } from '../database/database.ts'
import { insertJob, type NewJob } from './queries.ts'

/** Of what is due soon every process is told when this transaction has committed; of the rest there is time to look. */
export async function enqueue(tx: Tx, job: NewJob): Promise<void> {
  if (await insertJob(tx, job)) notifyAfter(tx, 'trilho_job', 'new')
}
