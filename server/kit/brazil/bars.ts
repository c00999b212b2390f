/**
 * Interleaved 2 of 5, the barcode of boletos: five bars and the five spaces between them are two digits; two of each
 * five are wide, three times a narrow one. Source: FEBRABAN's layouts, which want 44 digits at 103 by 13 mm.
 */
const WIDE = 3
const PATTERNS = ['00110', '10001', '01001', '11000', '00101', '10100', '01100', '00011', '10010', '01010']
const [START, STOP] = ['0000', '100']

/** What has to stay empty on either side, in narrow bars. */
const QUIET = 20

export type Bar = { at: number; width: number }

/** Bars from left to right and how wide the whole is, in narrow bars and without its quiet zones. `digits` are even in number. */
export function barsOf(digits: string): { bars: Bar[]; width: number } {
  const bars: Bar[] = []
  let at = 0
  for (const [place, mark] of [...elementsOf(digits)].entries()) {
    const width = mark === '1' ? WIDE : 1
    if (place % 2 === 0) bars.push({ at, width })
    at += width
  }
  return { bars, width: at }
}

/** Bars and spaces in turn; 1 is a wide one. */
function elementsOf(digits: string): string {
  let elements = START
  for (let at = 0; at < digits.length; at += 2) {
    const [bars = '', spaces = ''] = [PATTERNS[Number(digits[at])], PATTERNS[Number(digits[at + 1])]]
    for (let place = 0; place < 5; place++) elements += `${bars[place]}${spaces[place]}`
  }
  return elements + STOP
}

/** Drawn at the size that is prescribed, with its quiet zones, on white. */
export function barcodeSvg(barcode: string): string {
  const { bars, width } = barsOf(barcode)
  const whole = width + 2 * QUIET
  const path = bars.map(({ at, width }) => `M${at + QUIET} 0h${width}v1h-${width}z`).join('')
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${((103 * whole) / width).toFixed(2)}mm" height="13mm" viewBox="0 0 ${whole} 1" preserveAspectRatio="none" shape-rendering="crispEdges" role="img"><title>${barcode}</title><path fill="#fff" d="M0 0h${whole}v1H0z"/><path d="${path}"/></svg>\n`
}
