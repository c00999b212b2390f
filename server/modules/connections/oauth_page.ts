import type { CameBack } from './oauth.ts'

/** The page at the end of a visit to a vendor: plain, without script or style, in the language of the browser. */
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

export function resultPage({ ok, because, name }: CameBack, language: keyof typeof WORDS): string {
  const words = WORDS[language]
  const text = ok ? words.done(name ?? '') : name === null ? words.over : words.failed(name, because ?? '')
  const title = escapeHtml(words.title(ok))
  return `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} · Trilho</title></head>
<body><main><h1>${title}</h1><p>${escapeHtml(text)}</p></main></body>
</html>
`
}

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`)
