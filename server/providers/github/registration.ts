import Type from 'typebox'
import { get, operation, patch, path, post } from '../../kit/provider.ts'
import { type Registered, Registering, type Registration } from '../../kit/registration.ts'
import { Hook } from './wire.ts'

/** Of a repository or of a whole organization. */
function hooksOf({ target }: Registering): string {
  const [owner = '', repository] = (target['place'] ?? '').split('/')
  return repository === undefined ? path`/orgs/${owner}/hooks` : path`/repos/${owner}/${repository}/hooks`
}

const hookOf = (asked: Registering): string => hooksOf(asked) + path`/${asked.vendor_id ?? ''}`

/** GitHub knows events without their actions, and `*`: of `pull_request.opened` it sends every pull_request. */
function eventsOf({ event_types }: Registering): string[] {
  const events = (event_types ?? ['*']).map((type) => type.split('.', 1)[0] ?? type)
  return events.some((event) => event.includes('*')) ? ['*'] : [...new Set(events)]
}

const toTell = (asked: Registering) => ({
  active: true,
  events: eventsOf(asked),
  config: { url: asked.url, content_type: 'json', insecure_ssl: '0', secret: asked.secret },
})

const toRegistered = ({ id, config }: Hook): Registered => ({ vendor_id: String(id), url: config.url ?? '' })

/** docs.github.com/en/rest/repos/webhooks and docs.github.com/en/rest/orgs/webhooks */
export const registration: Registration = {
  fields: [
    {
      key: 'place',
      label: 'Repository or organization',
      hint: 'the token needs the right to administer its webhooks',
      required: true,
      pattern: '[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9._-]{1,100})?',
      example: 'octo-org/octo-repo',
    },
  ],
  secret: 'ours',
  find: operation({
    input: Registering,
    request: (asked) => get(hooksOf(asked), { per_page: 100 }),
    reads: Type.Array(Hook),
    translate: (hooks, { url }) => {
      const found = hooks.find(({ config }) => config.url === url)
      return found ? toRegistered(found) : null
    },
  }),
  register: operation({
    input: Registering,
    request: (asked) => post(hooksOf(asked), { name: 'web', ...toTell(asked) }),
    reads: Hook,
    translate: toRegistered,
  }),
  change: operation({
    input: Registering,
    request: (asked) => patch(hookOf(asked), toTell(asked)),
    reads: Hook,
    translate: toRegistered,
  }),
  unregister: operation({
    input: Registering,
    request: (asked) => ({ method: 'DELETE', path: hookOf(asked) }),
    reads: Type.Unknown(),
    translate: () => ({ done: true }),
  }),
}
