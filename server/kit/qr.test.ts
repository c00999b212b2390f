import assert from 'node:assert/strict'
import test from 'node:test'
import { inflateSync } from 'node:zlib'
import jsqr from 'jsqr'
import { drawPng, drawSvg } from './qr.ts'

const CODE =
  '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASÍLIA62070503***6304B4F6'

type Reader = (pixels: Uint8ClampedArray, width: number, height: number) => { binaryData: number[] } | null
const decode = jsqr as unknown as Reader

/** What a reader sees in a square of light (true) and dark. */
function readPixels(light: boolean[], width: number): string | null {
  const pixels = Uint8ClampedArray.from(
    light.flatMap((on) => [on ? 255 : 0, on ? 255 : 0, on ? 255 : 0, 255]),
  )
  const found = decode(pixels, width, width)
  return found && Buffer.from(found.binaryData).toString()
}

/** The pixels of a picture of one bit each, its lines unfiltered. */
function openPng(png: Buffer): { light: boolean[]; width: number } {
  const width = png.readUInt32BE(16)
  const length = png.readUInt32BE(33)
  const lines = inflateSync(png.subarray(41, 41 + length))
  const stride = 1 + Math.ceil(width / 8)
  const light = Array.from({ length: width * width }, (_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)]
    return ((lines[y * stride + 1 + (x >> 3)] ?? 0) & (0x80 >> (x & 7))) !== 0
  })
  return { light, width }
}

test('a PNG is read back to the letter by a reader of QR codes', () => {
  for (const text of [CODE, 'a', 'x'.repeat(512)]) {
    const { light, width } = openPng(drawPng(text, 4))
    assert.equal(readPixels(light, width), text)
  }
})

test('an SVG draws the same modules as the PNG', () => {
  const svg = drawSvg(CODE)
  const size = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1])
  const light = Array<boolean>(size * size).fill(true)
  for (const [, x, y, length] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1/g)) {
    light.fill(false, Number(y) * size + Number(x), Number(y) * size + Number(x) + Number(length))
  }
  const png = openPng(drawPng(CODE, 1))
  assert.equal(png.width, size)
  assert.deepEqual(light, png.light)
})

test('four modules around are light', () => {
  const { light, width } = openPng(drawPng(CODE, 1))
  const inside = (n: number) => n >= 4 && n < width - 4
  for (const [at, on] of light.entries()) {
    assert.ok(on || (inside(at % width) && inside(Math.floor(at / width))))
  }
})
