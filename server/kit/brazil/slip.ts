import { barsOf } from './bars.ts'
import type { Boleto } from './boleto.ts'
import { modulo11 } from './check_digits.ts'
import { box, clipped, type Drawing, pdfOf, stroke, words } from './pdf.ts'

/** What a boleto's number does not say, and its paper does. What is absent stays empty on it. */
export type SlipDetails = {
  /** As the bank prints its own number, such as `748-X`. */
  bank_label?: string
  pay_at?: string
  /** Who is paid: name, CPF or CNPJ, address. */
  beneficiary?: string
  /** Agency and code of the beneficiary, as the bank writes them. */
  agency?: string
  /** Who pays: lines of name, CPF or CNPJ, address. */
  payer?: string[]
  document_number?: string
  /** `YYYY-MM-DD`. */
  document_date?: string
  our_number?: string
  wallet?: string
  /** `YYYY-MM-DD`, where the number tells none. */
  due_date?: string
  instructions?: string[]
}

type Cell = { label: string; text: string; width: number; right?: boolean }

const LEFT = 15
const WIDTH = 180
const [SIDE, MAIN] = [48, WIDTH - 48]
const ROW = 7.5
/** How many lines there is room for. */
export const MOST_INSTRUCTIONS = 6
export const MOST_PAYER_LINES = 3
const BARS = { width: 103, height: 13 }

/** An A4 page: the payer's receipt, and below it what the bank reads (Carta-Circular BCB 2.926/2000, annex). */
export function drawSlip(boleto: Boleto, details: SlipDetails = {}): Buffer {
  const [upper, lower] =
    boleto.kind === 'bank'
      ? ['Recibo do Pagador', 'Ficha de Compensação']
      : ['Via do Contribuinte', 'Via do Banco']
  const receipt = drawPart(30, boleto, details, upper)
  const slip = drawPart(165, boleto, details, lower)
  const drawing = [
    ...receipt.drawing,
    ...cut(155),
    ...slip.drawing,
    ...drawBars(slip.end + 3, boleto.barcode),
  ]
  return pdfOf(`Boleto ${boleto.formatted}`, drawing)
}

type Part = { drawing: Drawing; end: number }

function drawPart(top: number, boleto: Boleto, details: SlipDetails, name: string): Part {
  const rows = boleto.kind === 'bank' ? rowsOfBank(boleto, details) : rowsOfCollection(boleto, details)
  const below = top + 8
  const instructions = below + rows.length * ROW
  const payer = instructions + 26
  const end = payer + 16
  const drawing = [
    ...heading(top, boleto, details),
    ...rows.flatMap((cells, at) => drawRow(below + at * ROW, cells)),
    ...lines(instructions, 'Instruções', details.instructions ?? [], MOST_INSTRUCTIONS),
    ...lines(payer, 'Pagador', details.payer ?? [], MOST_PAYER_LINES),
    stroke(LEFT, end, LEFT + WIDTH, end),
    words(LEFT + MAIN - 12, end + 3, `Autenticação mecânica - ${name}`, { size: 2.3 }),
  ]
  return { drawing, end }
}

/** The number to type, beside the bank's where there is one. */
function heading(top: number, boleto: Boleto, { bank_label }: SlipDetails): Drawing {
  const label = boleto.bank === null ? '' : (bank_label ?? `${boleto.bank}-${modulo11(boleto.bank)}`)
  const size = boleto.kind === 'bank' ? 4.1 : 4.4
  return [
    clipped(LEFT, top, 22, 8, [words(LEFT + 1, top + 6, label, { size: 5.5, bold: true })]),
    words(LEFT + WIDTH - 1, top + 6, boleto.formatted, { size, bold: true, right: true }),
    stroke(LEFT, top + 8, LEFT + WIDTH, top + 8, 0.5),
  ]
}

const rowsOfBank = (boleto: Boleto, details: SlipDetails): Cell[][] => [
  [
    { label: 'Local de pagamento', text: details.pay_at ?? '', width: MAIN },
    { label: 'Vencimento', text: day(boleto.due_date ?? details.due_date), width: SIDE, right: true },
  ],
  [
    { label: 'Beneficiário', text: details.beneficiary ?? '', width: MAIN },
    { label: 'Agência / Código do beneficiário', text: details.agency ?? '', width: SIDE },
  ],
  [
    { label: 'Data do documento', text: day(details.document_date), width: 44 },
    { label: 'Número do documento', text: details.document_number ?? '', width: 44 },
    { label: 'Carteira', text: details.wallet ?? '', width: 22 },
    { label: 'Espécie', text: 'R$', width: 22 },
    { label: 'Nosso número', text: details.our_number ?? '', width: SIDE },
  ],
  [
    { label: '(-) Desconto / Abatimento', text: '', width: 44 },
    { label: '(+) Mora / Multa', text: '', width: 44 },
    { label: '(=) Valor cobrado', text: '', width: 44 },
    { label: '(=) Valor do documento', text: inReais(boleto.amount), width: SIDE, right: true },
  ],
]

const rowsOfCollection = (boleto: Boleto, details: SlipDetails): Cell[][] => [
  [
    { label: 'Beneficiário', text: details.beneficiary ?? '', width: MAIN },
    { label: 'Vencimento', text: day(details.due_date), width: SIDE, right: true },
  ],
  [
    { label: 'Número do documento', text: details.document_number ?? '', width: 66 },
    { label: 'Data do documento', text: day(details.document_date), width: 66 },
    { label: '(=) Valor do documento', text: inReais(boleto.amount), width: SIDE, right: true },
  ],
]

function drawRow(top: number, cells: Cell[]): Drawing {
  let left = LEFT
  const drawing: Drawing = []
  for (const { label, text, width, right } of cells) {
    const at = right ? left + width - 1 : left + 1
    const inside = [
      words(left + 1, top + 2.5, label, { size: 2.1 }),
      words(at, top + 6.4, text, { size: 3.2, bold: true, right: right ?? false }),
    ]
    drawing.push(clipped(left, top, width, ROW, inside))
    if (left > LEFT) drawing.push(stroke(left, top, left, top + ROW))
    left += width
  }
  return [...drawing, stroke(LEFT, top + ROW, LEFT + WIDTH, top + ROW)]
}

const lines = (top: number, label: string, texts: string[], most: number): Drawing => [
  words(LEFT + 1, top + 2.5, label, { size: 2.1 }),
  clipped(
    LEFT,
    top,
    WIDTH,
    4 + most * 3.6,
    texts.slice(0, most).map((text, at) => words(LEFT + 1, top + 6.2 + at * 3.6, text, { size: 3 })),
  ),
]

const cut = (y: number): Drawing => ['[1 1] 0 d', stroke(LEFT, y, LEFT + WIDTH, y), '[] 0 d']

function drawBars(top: number, digits: string): Drawing {
  const { bars, width } = barsOf(digits)
  const narrow = BARS.width / width
  return bars.map((bar) => box(LEFT + 6 + bar.at * narrow, top, bar.width * narrow, BARS.height))
}

/** `1.240,20`; nothing where the number leaves it open. */
export function inReais(cents: number | null): string {
  if (cents === null || cents === 0) return ''
  const digits = String(cents).padStart(3, '0')
  return `${digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '.')},${digits.slice(-2)}`
}

const day = (date: string | null | undefined): string => (date ?? '').split('-').reverse().join('/')
