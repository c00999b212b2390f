import type { App, Http } from '../modules/app.ts'

/**
 * Answers of one moment leave together. Each write wakes whoever waits for it, and a reader that falls asleep between two
 * of them costs both sides more than the bytes do.
 */
export function answerTogether(http: Http, app: App): void {
  let ready: (() => void)[] = []
  const leave = () => {
    const together = ready
    ready = []
    for (const answer of together) answer()
  }
  http.addHook('onSend', (_request, reply, _payload, done) => {
    const answer = () => {
      try {
        done()
      } catch (error) {
        app.log.error({ err: error }, 'an answer could not be written')
        reply.raw.destroy() // nobody above is left to catch it, and the others of this moment are to leave
      }
    }
    if (ready.push(answer) === 1) setImmediate(leave)
  })
}
