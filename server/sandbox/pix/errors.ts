import { json, type SandboxReply } from '../wire.ts'

/** RFC 7807 in the words of the API Pix, chapter "Tratamento de erros". */
export type Violation = { razao: string; propriedade: string; valor?: string }

export const problem = (
  status: number,
  word: string,
  title: string,
  detail: string,
  violacoes?: readonly Violation[],
): SandboxReply =>
  json(
    status,
    {
      type: `https://pix.bcb.gov.br/api/v2/error/${word}`,
      title,
      status,
      detail,
      ...(violacoes && { violacoes }),
    },
    { 'content-type': 'application/problem+json' },
  )

export const notFound = (word: string, detail: string): SandboxReply =>
  problem(404, word, 'Não Encontrado', detail)

export const invalid = (word: string, violacoes: readonly Violation[]): SandboxReply =>
  problem(
    400,
    word,
    'Requisição inválida.',
    'A requisição não respeita o schema ou está semanticamente errada.',
    violacoes,
  )

export const denied = (): SandboxReply =>
  problem(
    403,
    'AcessoNegado',
    'Acesso Negado',
    'Requisição de participante autenticado que viola alguma regra de autorização.',
  )
