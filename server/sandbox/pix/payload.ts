import { randomBytes } from 'node:crypto'
import { remember } from '../wire.ts'
import { type Books, type Location, MOST, now } from './books.ts'

/** The address behind a charge, and the text that is copied and pasted (EMV QRCPS, Manual de Padrões para Iniciação do Pix). */
export function newLocation(books: Books, tipoCob: 'cob' | 'cobv'): Location {
  const id = books.locations.size + 1
  const folder = tipoCob === 'cobv' ? 'qr/v2/cobv' : 'qr/v2'
  const location = `pix.sandbox.example/${folder}/${randomBytes(16).toString('hex')}`
  const made = { id, location, tipoCob, criacao: now() }
  remember(books.locations, id, made, MOST)
  return made
}

const object = (id: string, value: string): string => `${id}${String(value.length).padStart(2, '0')}${value}`

export function copyAndPaste(location: string): string {
  const text = [
    object('00', '01'),
    object('26', object('00', 'br.gov.bcb.pix') + object('25', location)),
    object('52', '0000'),
    object('53', '986'),
    object('58', 'BR'),
    object('59', 'Loja da Sandbox'),
    object('60', 'BRASILIA'),
    object('62', object('05', '***')),
    '6304',
  ].join('')
  return text + checksum(text)
}

/** CRC-16/CCITT-FALSE over all before it, in four hexadecimal digits. */
function checksum(text: string): string {
  let crc = 0xffff
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
    crc &= 0xffff
  }
  return crc.toString(16).toUpperCase().padStart(4, '0')
}
