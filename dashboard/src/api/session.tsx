import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext } from 'react'
import { type Language, speak, spoken } from '../text/text.ts'
import { api, ask, Refusal, say } from './client.ts'
import type { AnswerOf } from './types.ts'

export type Session = AnswerOf<'/v1/session'>

const KEPT_TENANT = 'trilho.tenant'
const KEPT_ENVIRONMENT = 'trilho.environment'

/** What a tab looks at is its own; a new one begins where somebody looked last. */
const kept = (name: string): string | null => sessionStorage.getItem(name) ?? localStorage.getItem(name)

function keep(name: string, value: string): void {
  sessionStorage.setItem(name, value)
  localStorage.setItem(name, value)
}

function forget(name: string): void {
  sessionStorage.removeItem(name)
  localStorage.removeItem(name)
}

const Held = createContext<Session | null>(null)

/** Who is signed in. Only below `SignedIn`. */
export function useSession(): Session {
  const session = useContext(Held)
  if (!session) throw new Error('nobody is signed in here')
  return session
}

/** Whether the person may do what asks for a scope. The API decides; this only hides what it would refuse. */
export function useMay(): (scope: string) => boolean {
  const { scopes } = useSession()
  return (scope) => {
    const [room, right] = scope.split(':')
    const enough = ['*', 'admin', scope]
    if (['read', 'write', 'operate'].includes(String(right))) enough.push(`${room}:*`)
    if (right === 'operate') enough.push(`${room}:write`) // who may write may mend
    return enough.some((one) => scopes.includes(one))
  }
}

const SESSION = { queryKey: ['session'], queryFn: readSession, retry: false, staleTime: 60_000 }

/** Asks who is signed in before anything is drawn, while the code of the page is still on its way. */
export const expectSession = (client: QueryClient): Promise<void> => client.prefetchQuery(SESSION)

/** Shows `children` to who is signed in, and `otherwise` to everybody else. */
export function SignedIn({
  children,
  otherwise,
  waiting,
}: {
  children: ReactNode
  otherwise: ReactNode
  waiting: ReactNode
}) {
  const read = useQuery(SESSION)
  if (read.isPending) return <>{waiting}</>
  return read.data ? <Held.Provider value={read.data}>{children}</Held.Provider> : otherwise
}

async function readSession(): Promise<Session | null> {
  say({ tenant: kept(KEPT_TENANT), environment: keptEnvironment() })
  try {
    return take(await ask(api.GET('/v1/session')))
  } catch (error) {
    if (!(error instanceof Refusal) || ![401, 403, 404].includes(error.status)) throw error
    // The tenant that was looked at last may be gone, or somebody else's.
    forget(KEPT_TENANT)
    say({ tenant: null, csrf: null })
    if (error.status === 401) return null
    return take(await ask(api.GET('/v1/session')))
  }
}

function take(session: Session): Session {
  say({ csrf: session.csrf, tenant: session.tenant?.id ?? null })
  if (session.tenant) sessionStorage.setItem(KEPT_TENANT, session.tenant.id)
  if (session.member.language !== spoken()) speak(session.member.language)
  return session
}

/** Test until somebody says live: nothing of the real world is moved by a first click. */
const keptEnvironment = () => (kept(KEPT_ENVIRONMENT) === 'live' ? 'live' : 'test')

/** Looks at the other environment: live and test are apart. */
export function useEnvironment(): (environment: 'live' | 'test') => Promise<void> {
  const client = useQueryClient()
  return async (environment) => {
    keep(KEPT_ENVIRONMENT, environment)
    say({ environment })
    await client.resetQueries()
  }
}

/** Looks at another tenant: everything is read anew. */
export function useTenant(): (id: string) => Promise<void> {
  const client = useQueryClient()
  return async (id) => {
    keep(KEPT_TENANT, id)
    say({ tenant: id })
    await client.resetQueries()
  }
}

/** Speaks another language, and remembers it for the person. */
export function useLanguage(): (language: Language) => Promise<void> {
  const client = useQueryClient()
  return async (language) => {
    speak(language)
    await ask(api.PATCH('/v1/member', { body: { language } }))
    await client.invalidateQueries({ queryKey: ['session'] })
  }
}

export function useSignOut(): () => Promise<void> {
  const client = useQueryClient()
  return async () => {
    await ask(api.DELETE('/v1/session'))
    say({ csrf: null, tenant: null })
    client.clear()
    await client.resetQueries()
    window.location.assign('/')
  }
}
