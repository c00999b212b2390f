import { createHash, randomBytes } from 'node:crypto'
import { readXml, writeXml } from '../../mapping/mapping.ts'
import { local, type SoapOperation } from './wsdl.ts'

/** The envelope of SOAP 1.1 and 1.2, and the user name token of WS-Security (OASIS, UsernameToken Profile 1.1). */
export type Version = '1.1' | '1.2'

const ENVELOPE: Record<Version, string> = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
}
const OASIS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-'
const TOKEN = `${OASIS}username-token-profile-1.0`

export type UserToken = { username: string; password: string; kind: 'text' | 'digest'; now: Date }

/** The input's members become elements in their order, since many services ask for the order of their schema. */
export function writeEnvelope(
  version: Version,
  operation: SoapOperation,
  input: unknown,
  token: UserToken | null,
): string {
  const inner = operation.qualified ? prefixed(input) : input
  const members = typeof inner === 'object' && inner !== null ? inner : {}
  return writeXml(
    {
      '@xmlns:soap': ENVELOPE[version],
      '@xmlns:tns': operation.namespace,
      ...(token && { 'soap:Header': security(token) }),
      'soap:Body': { [`tns:${operation.element}`]: members },
    },
    'soap:Envelope',
  )
}

/** Attributes, text, and names that have a prefix already stay as they are. */
function prefixed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prefixed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      /^[@#]|:/.test(name) ? name : `tns:${name}`,
      prefixed(member),
    ]),
  )
}

function security({ username, password, kind, now }: UserToken) {
  const created = now.toISOString()
  const nonce = randomBytes(16)
  const digest = createHash('sha1').update(nonce).update(created).update(password).digest('base64')
  const shown =
    kind === 'text'
      ? { '@Type': `${TOKEN}#PasswordText`, '#text': password }
      : { '@Type': `${TOKEN}#PasswordDigest`, '#text': digest }
  return {
    'wsse:Security': {
      '@xmlns:wsse': `${OASIS}wssecurity-secext-1.0.xsd`,
      '@xmlns:wsu': `${OASIS}wssecurity-utility-1.0.xsd`,
      '@soap:mustUnderstand': '1',
      'wsse:UsernameToken': {
        'wsse:Username': username,
        'wsse:Password': shown,
        'wsse:Nonce': {
          '@EncodingType': `${OASIS}soap-message-security-1.0#Base64Binary`,
          '#text': nonce.toString('base64'),
        },
        'wsu:Created': created,
      },
    },
  }
}

export type Fault = { code: string; message: string; detail: unknown }
export type Reply = { kind: 'answer'; value: unknown } | { kind: 'fault'; fault: Fault; ours: boolean }

/** What the body says, its names without prefixes. Throws where it is no envelope. */
export function readEnvelope(text: string): Reply {
  const envelope = local(local(readXml(text))['Envelope'])
  if (envelope['Body'] === undefined) throw new Error('the answer is no SOAP envelope')
  const body = local(envelope['Body'])
  const fault = body['Fault']
  if (fault !== undefined) return { kind: 'fault', ...toFault(local(fault)) }
  const [answer] = Object.entries(body).filter(([name]) => !name.startsWith('@'))
  return { kind: 'answer', value: answer === undefined ? {} : bare(answer[1]) }
}

/** SOAP 1.1 has faultcode and faultstring, SOAP 1.2 Code and Reason. Client and Sender: the request was at fault. */
function toFault(fault: Record<string, unknown>): { fault: Fault; ours: boolean } {
  const code = textOf(fault['faultcode'] ?? local(fault['Code'])['Value']).replace(/^.*:/, '')
  const message = textOf(fault['faultstring'] ?? local(fault['Reason'])['Text'])
  const detail = bare(fault['detail'] ?? fault['Detail'] ?? null)
  return { fault: { code, message, detail }, ours: /^(Client|Sender)/.test(code) }
}

/** Of several, as SOAP 1.2 has a reason in several languages, the first. */
function textOf(value: unknown): string {
  const [first] = [value].flat()
  return typeof first === 'object' && first !== null
    ? String((first as Record<string, unknown>)['#text'] ?? '')
    : String(first ?? '')
}

/** Without prefixes and without the declarations of namespaces, and text alone as text. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(local(value)).filter(
    ([name]) => !/^@(xmlns|xsi:|[\w-]+:)/.test(name) && name !== '@xmlns',
  )
  const [only] = kept
  if (kept.length === 1 && only?.[0] === '#text') return only[1]
  return Object.fromEntries(kept.map(([name, member]) => [name, bare(member)]))
}
