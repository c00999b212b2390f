import type { EventTypeRow } from './queries.ts'

/** The catalog as one HTML page that needs nothing else: to be read here, or put on a site of yours. Pure. */
export function catalogPage(types: readonly EventTypeRow[]): string {
  const sorted = [...types].sort((a, b) =>
    a.name === b.name ? b.version - a.version : a.name < b.name ? -1 : 1,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Event types</title>
<style>${STYLE}</style>
<h1>Event types</h1>
<p>Each webhook is a POST of <code>{"type", "timestamp", "data"}</code>, signed by Standard Webhooks. What follows is
its <code>data</code>, by type.</p>
<nav>${sorted.map((type) => `<a href="#${anchor(type)}">${escaped(titleOf(type))}</a>`).join('\n')}</nav>
${sorted.map(section).join('\n')}
</html>
`
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
nav a{display:inline-block;margin:0 1rem .3rem 0}section{border-top:1px solid #ccc;margin-top:2rem}
pre{background:#f4f4f4;padding:1rem;overflow:auto;font-size:14px}.old{color:#a33}
@media (prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8cf}pre{background:#222}}`

function section(type: EventTypeRow): string {
  const { description, schema, example, deprecated_at, deprecation } = type
  const old =
    deprecated_at === null
      ? ''
      : `<p class="old">Deprecated since ${day(deprecated_at)}. ${escaped(deprecation ?? '')}</p>`
  const shown = example === null ? '' : `<h3>Example</h3><pre>${json(example)}</pre>`
  return `<section id="${anchor(type)}"><h2>${escaped(titleOf(type))}</h2>${old}<p>${escaped(description)}</p>${shown}
<details><summary>JSON Schema</summary><pre>${json(schema)}</pre></details></section>`
}

const titleOf = ({ name, version }: EventTypeRow): string =>
  version === 1 ? name : `${name}, version ${version}`
const anchor = ({ name, version }: EventTypeRow): string => `${name}-${version}`
const day = (date: Date): string => date.toISOString().slice(0, 10)
const json = (value: unknown): string => escaped(JSON.stringify(value, null, 2))

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Types are written by tenants: nothing of theirs may be taken for markup. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign)
