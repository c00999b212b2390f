/** CRC-16/CCITT-FALSE: polynomial 0x1021, starts at 0xFFFF, nothing reflected. `123456789` gives 0x29B1. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc & 0xffff
})

/** Of the bytes that the text has in UTF-8. */
export function crc16(text: string): number {
  let crc = 0xffff
  for (const byte of Buffer.from(text)) crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0)
  return crc
}
