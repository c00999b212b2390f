import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Provider } from '../kit/provider.ts'
import { providers } from './index.ts'

// What the dashboard shows of a provider in Portuguese: texts.pt-BR.json by the English text, setup.pt-BR.md beside setup.md.

const textOf = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const known = JSON.parse(textOf('./texts.pt-BR.json')) as Record<string, string>

/** A name is the vendor's own unless it says what a thing is. */
const textsOf = ({ fields, webhooks }: Provider): string[] =>
  [...fields, ...(webhooks?.fields ?? []), ...(webhooks?.registration?.fields ?? [])].flatMap(
    ({ label, hint }) => [label, ...(hint ? [hint] : [])],
  )

for (const [id, provider] of providers) {
  test(`what ${id} asks for is said in Portuguese`, () => {
    const missing = textsOf(provider).filter((text) => known[text] === undefined)
    assert.deepEqual(missing, [], 'put these into server/providers/texts.pt-BR.json')
  })

  test(`the Portuguese guide of ${id} names what must be given`, () => {
    const page = textOf(`./${id}/setup.pt-BR.md`)
    const untold = provider.fields.filter(({ key, required }) => required && !page.includes(key))
    assert.deepEqual(untold, [])
  })
}

test('no text is empty in Portuguese', () => {
  assert.deepEqual(
    Object.entries(known).filter(([, text]) => text.trim() === ''),
    [],
  )
})
