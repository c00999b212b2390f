import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { testDatabase } from '../../test/harness.ts'
import { paceOf } from './rate.ts'
import { takeOf } from './rate_queries.ts'

for (const [count, per_s] of [
  [1, 1],
  [4, 1],
  [30, 1],
  [30, 2],
] as const) {
  test(`of ${count} in ${per_s} s the next one waits until that is over, whoever asks`, async () => {
    const { worker } = await testDatabase()
    const wanted = { tenant_id: crypto.randomUUID(), subscription_id: crypto.randomUUID() }
    const pace = paceOf({ count, per_s })
    const began = performance.now()
    let given = 0
    /** Two workers, each with more than may go. */
    async function take(): Promise<void> {
      while (given <= count) {
        const waits = await takeOf(worker, Array(8).fill({ ...wanted, ...pace }))
        given += waits.filter((ms) => ms === 0).length
        await sleep(Math.min(...waits.filter((ms) => ms > 0), 1_000))
      }
    }
    await Promise.all([take(), take()])
    const took_ms = performance.now() - began
    assert.ok(took_ms >= per_s * 1000 - 5, `${given} within ${took_ms} ms`)
  })
}

test('a rate is nearly reached where there is enough to send, and a tenth of it goes at once', async () => {
  const { worker } = await testDatabase()
  const wanted = { tenant_id: crypto.randomUUID(), subscription_id: crypto.randomUUID() }
  const asked = Array(500).fill({ ...wanted, ...paceOf({ count: 200, per_s: 1 }) })
  const goes = async () => (await takeOf(worker, asked)).filter((ms) => ms === 0).length
  assert.equal(await goes(), 20)
  assert.ok((await goes()) < 20)
})
