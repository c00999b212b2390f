/**
 * One page of PDF, drawn in millimetres from its upper left corner: lines, filled boxes and words in Helvetica, which
 * every reader has. Words are Latin-1, which is what Portuguese needs; another sign becomes a question mark.
 * Source: ISO 32000-1, 7.5 and 9.6.2.2.
 */
const PAGE = { width: 210, height: 297 }
const POINTS_PER_MM = 72 / 25.4

export type Look = { size: number; bold?: boolean; right?: boolean }

/** What is drawn, one operator after the other. */
export type Drawing = string[]

export const box = (x: number, y: number, width: number, height: number): string =>
  `${n(x)} ${n(PAGE.height - y - height)} ${n(width)} ${n(height)} re f`

export const stroke = (x1: number, y1: number, x2: number, y2: number, width = 0.2): string =>
  `${n(width)} w ${n(x1)} ${n(PAGE.height - y1)} m ${n(x2)} ${n(PAGE.height - y2)} l S`

/** Words on the base line `y`; with `right` they end at `x`. That is exact for figures, which is what it is for. */
export function words(x: number, y: number, text: string, { size, bold, right }: Look): string {
  const from = right ? x - widthOf(text, size) : x
  return `BT /${bold ? 'B' : 'R'} ${n(size)} Tf ${n(from)} ${n(PAGE.height - y)} Td (${escaped(text)}) Tj ET`
}

/** What is drawn in it ends at its edges. */
export const clipped = (x: number, y: number, width: number, height: number, inside: Drawing): string =>
  `q ${n(x)} ${n(PAGE.height - y - height)} ${n(width)} ${n(height)} re W n ${inside.join(' ')} Q`

/** In Helvetica, light and bold, digits are 0.556 of the size wide, a hyphen 0.333, other marks and spaces 0.278. */
const widthOf = (text: string, size: number): number =>
  [...text].reduce((width, sign) => width + (/\d/.test(sign) ? 0.556 : sign === '-' ? 0.333 : 0.278), 0) *
  size

const n = (value: number): string => String(Math.round(value * 1_000) / 1_000)

const escaped = (text: string): string =>
  text
    .normalize('NFC')
    .replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')
    .replace(/[\u2010-\u2015]/g, '-')
    .replace(/[^\x20-\xff]/gu, '?')
    .replace(/[\\()]/g, '\\$&')

/** The bytes of the file. The same drawing makes the same bytes. */
export function pdfOf(title: string, drawing: Drawing): Buffer {
  const scale = n(POINTS_PER_MM)
  const content = `${scale} 0 0 ${scale} 0 0 cm\n${drawing.join('\n')}\n`
  const [width, height] = [n(PAGE.width * POINTS_PER_MM), n(PAGE.height * POINTS_PER_MM)]
  const font = (name: string) =>
    `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`
  return fileOf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents 4 0 R /Resources << /Font << /R 5 0 R /B 6 0 R >> >> >>`,
    `<< /Length ${content.length} >>\nstream\n${content}endstream`,
    font('Helvetica'),
    font('Helvetica-Bold'),
    `<< /Title (${escaped(title)}) >>`,
  ])
}

/** Objects numbered from 1, the first the catalog and the last the title, with the table that says where each begins. */
function fileOf(objects: string[]): Buffer {
  let file = '%PDF-1.4\n%\xe2\xe3\xcf\xd3\n'
  let table = '0000000000 65535 f \n'
  for (const [place, object] of objects.entries()) {
    table += `${String(file.length).padStart(10, '0')} 00000 n \n`
    file += `${place + 1} 0 obj\n${object}\nendobj\n`
  }
  const size = objects.length + 1
  const end = `xref\n0 ${size}\n${table}trailer\n<< /Size ${size} /Root 1 0 R /Info ${objects.length} 0 R >>`
  return Buffer.from(`${file}${end}\nstartxref\n${file.length}\n%%EOF\n`, 'latin1')
}
