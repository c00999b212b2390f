import { readXml } from '../../mapping/mapping.ts'

/**
 * What a WSDL 1.1 document says of the operations behind it (W3C Note, 15 March 2001), as far as a call needs it: which
 * element goes into the body, in which namespace, under which action.
 */
export type SoapOperation = {
  /** Local name of the element in the body: the message's (document) or the operation's own (rpc). */
  element: string
  namespace: string
  action: string
  /** Whether the elements inside stand in the namespace too: `elementFormDefault` of its schema, in rpc never. */
  qualified: boolean
}

type Element = { [name: string]: unknown }

/** Throws what readXml throws, and an Error where this is no WSDL. */
export function readWsdl(text: string): Record<string, SoapOperation> {
  const root = local(readXml(text))['definitions']
  if (!isElement(root)) throw new Error('this is no WSDL 1.1 document: it has no definitions')
  const definitions = local(root)
  const target = String(root['@targetNamespace'] ?? '')
  const qualified = qualifiedNamespaces(definitions)
  const messages = new Map(list(definitions['message']).map((message) => [name(message), message]))
  const inputs = inputsOf(definitions)
  const found: Record<string, SoapOperation> = {}
  for (const binding of list(definitions['binding'])) {
    const inside = local(binding)
    const soap = list(inside['binding'])[0]
    if (!soap) continue
    const style = String(soap['@style'] ?? 'document')
    for (const operation of list(inside['operation'])) {
      const own = list(local(operation)['operation'])[0] ?? {}
      const rpc = String(own['@style'] ?? style) === 'rpc'
      const action = String(own['@soapAction'] ?? '')
      const element = rpc ? null : elementOf(messages.get(inputs.get(name(operation)) ?? ''), root)
      const namespace = element?.namespace ?? (bodyNamespace(operation) || target)
      found[name(operation)] ??= {
        element: element?.name ?? name(operation),
        namespace,
        action,
        qualified: !rpc && qualified.has(namespace),
      }
    }
  }
  if (Object.keys(found).length === 0) throw new Error('this WSDL has no operation bound to SOAP')
  return found
}

/** The message each operation takes, by the name of the operation. */
function inputsOf(definitions: Element): Map<string, string> {
  const inputs = new Map<string, string>()
  for (const type of list(definitions['portType'])) {
    for (const operation of list(local(type)['operation'])) {
      const input = list(local(operation)['input'])[0]
      if (input) inputs.set(name(operation), String(input['@message'] ?? '').replace(/^.*:/, ''))
    }
  }
  return inputs
}

/** Of a document-style message: its one part names an element, by prefix or in the namespace that needs none. */
function elementOf(message: Element | undefined, root: Element): { name: string; namespace: string } | null {
  const part = message && list(local(message)['part'])[0]
  const [, prefix, element] = /^(?:([^:]+):)?([^:]+)$/.exec(String(part?.['@element'] ?? '')) ?? []
  if (!message || element === undefined) return null
  const declared = prefix === undefined ? '@xmlns' : `@xmlns:${prefix}`
  const namespace = part?.[declared] ?? message[declared] ?? root[declared]
  return { name: element, namespace: String(namespace ?? '') }
}

function bodyNamespace(operation: Element): string {
  const input = list(local(operation)['input'])[0]
  const body = input && list(local(input)['body'])[0]
  return String(body?.['@namespace'] ?? '')
}

function qualifiedNamespaces(definitions: Element): Set<string> {
  const schemas = list(definitions['types']).flatMap((types) => list(local(types)['schema']))
  const qualified = schemas.filter((schema) => schema['@elementFormDefault'] === 'qualified')
  return new Set(qualified.map((schema) => String(schema['@targetNamespace'] ?? '')))
}

const isElement = (value: unknown): value is Element => typeof value === 'object' && value !== null

const name = (element: Element): string => String(element['@name'] ?? '')

/** One element or several, as a list. */
const list = (value: unknown): Element[] => [value].flat().filter(isElement)

/** The children by their local names: which prefix stands for which namespace is the writer's taste. */
export function local(value: unknown): Element {
  if (!isElement(value)) return {}
  const children: Element = {}
  for (const [key, child] of Object.entries(value)) {
    const own = key.replace(/^[^@].*:/, '')
    const known = children[own]
    children[own] = known === undefined ? child : [known, child].flat()
  }
  return children
}
