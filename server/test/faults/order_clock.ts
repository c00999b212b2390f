/**
 * Loaded before the product (`node --import`): its clock is set anew every moment, by up to an hour ahead or back of the
 * right time. What counts from a start (`performance.now`, timers) goes on evenly, as it does on a machine.
 */
const MOST_MS = 3_600_000
const EVERY_MS = 400

const right = Date
let ahead_ms = 0
setInterval(() => {
  ahead_ms = Math.round((Math.random() * 2 - 1) * MOST_MS)
}, EVERY_MS).unref()

const now = () => right.now() + ahead_ms

globalThis.Date = new Proxy(right, {
  construct: (target, args) => (args.length === 0 ? new target(now()) : Reflect.construct(target, args)),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})
