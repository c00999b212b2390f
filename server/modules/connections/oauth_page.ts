import type { CameBack } from './oauth.ts'

/** The page at the end of a visit to a vendor: plain, without style, in the language of the browser. */
type Words = {
  title: (ok: boolean) => string
  done: (name: string) => string
  over: string
  failed: (name: string, because: string) => string
}

const WORDS: Record<'pt-BR' | 'en', Words> = {
  en: {
    title: (ok) => (ok ? 'Connected' : 'Not connected'),
    done: (name) => `The connection ${name} is ready. You may close this page.`,
    over: 'This link was used already, or is older than ten minutes. Begin again where you came from.',
    failed: (name, because) => `The connection ${name} was not authorized: ${because}. Nothing was changed.`,
  },
  'pt-BR': {
    title: (ok) => (ok ? 'Conectado' : 'Não conectado'),
    done: (name) => `A conexão ${name} está pronta. Você pode fechar esta página.`,
    over: 'Este link já foi usado ou tem mais de dez minutos. Comece de novo de onde você veio.',
    failed: (name, because) => `A conexão ${name} não foi autorizada: ${because}. Nada foi alterado.`,
  },
}

/** Portuguese where the browser asks for it first. */
export const languageOf = (accepted: string | undefined): keyof typeof WORDS =>
  /^\s*pt\b/i.test(accepted ?? '') ? 'pt-BR' : 'en'

/**
 * Some vendors answer behind the `#`, which a browser keeps to itself: it is taken out of the address and sent on as a
 * form. Where there is nothing behind it the page says that the visit is over.
 */
export const FORWARD = `
const given = new URLSearchParams(location.hash.slice(1))
if (given.size > 0) {
  history.replaceState(null, '', location.pathname)
  addEventListener('DOMContentLoaded', () => {
    const form = document.createElement('form')
    form.method = 'post'
    for (const [name, value] of given) {
      const field = document.createElement('input')
      Object.assign(field, { type: 'hidden', name, value })
      form.append(field)
    }
    document.body.append(form)
    form.submit()
  })
}
`

export function resultPage(
  { ok, because, name }: CameBack,
  language: keyof typeof WORDS,
  nonce: string | null = null,
): string {
  const script = nonce === null ? '' : `<script nonce="${nonce}">${FORWARD}</script>`
  const words = WORDS[language]
  const text = ok ? words.done(name ?? '') : name === null ? words.over : words.failed(name, because ?? '')
  const title = escapeHtml(words.title(ok))
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} · Trilho</title>${script}</head>
<body><main><h1>${title}</h1><p>${escapeHtml(text)}</p></main></body>
</html>
`
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
