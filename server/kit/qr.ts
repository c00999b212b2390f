import { crc32, deflateSync } from 'node:zlib'
import { encode } from 'uqr'

/** QR codes as pictures: level M, which forgives 15 % of damage, and the quiet zone of four modules that readers need. */

const QUIET = 4

/** Rows of modules, dark where true, the quiet zone around them. */
const toModules = (text: string): boolean[][] =>
  encode([...Buffer.from(text)], { ecc: 'M', border: QUIET }).data

/** One path of runs: sharp at any size, as wide as what holds it. */
export function drawSvg(text: string): string {
  const rows = toModules(text)
  const path = rows.flatMap((row, y) =>
    runsOf(row).map(([x, length]) => `M${x} ${y}h${length}v1h-${length}z`),
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${rows.length} ${rows.length}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${rows.length}v${rows.length}H0z"/><path d="${path.join('')}"/></svg>`
}

function runsOf(row: boolean[]): [start: number, length: number][] {
  const runs: [number, number][] = []
  for (let start = row.indexOf(true); start >= 0; ) {
    const gap = row.indexOf(false, start)
    const end = gap < 0 ? row.length : gap
    runs.push([start, end - start])
    start = row.indexOf(true, end)
  }
  return runs
}

/** One bit a pixel, a module being `scale` pixels wide. */
export function drawPng(text: string, scale = 8): Buffer {
  const rows = toModules(text)
  const width = rows.length * scale
  const lines = rows.flatMap((row) => Array<Buffer>(scale).fill(toScanline(row, scale)))
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(width, 4)
  header.writeUInt8(1, 8) // bits a pixel; grey, deflate, no filter, not interlaced are zeros
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(lines))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** No filter, then the pixels from the highest bit on, 1 being white. */
function toScanline(row: boolean[], scale: number): Buffer {
  const line = Buffer.alloc(1 + Math.ceil((row.length * scale) / 8))
  for (let x = 0; x < row.length * scale; x++) {
    const at = 1 + (x >> 3)
    if (!row[Math.floor(x / scale)]) line[at] = (line[at] ?? 0) | (0x80 >> (x & 7))
  }
  return line
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(data.length, 0)
  ends.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)])
}
