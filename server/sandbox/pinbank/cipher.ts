import { createCipheriv, createDecipheriv } from 'node:crypto'

/** AES-128-CBC, a vector of zeros, PKCS #7, base64; the key is the password's first 16 bytes. */
const ZEROS = Buffer.alloc(16)
const keyOf = (password: string) => Buffer.concat([Buffer.from(password), ZEROS]).subarray(0, 16)

export function seal(text: string, password: string): string {
  const cipher = createCipheriv('aes-128-cbc', keyOf(password), ZEROS)
  return cipher.update(text, 'utf8', 'base64') + cipher.final('base64')
}

export function openSealed(base64: string, password: string): string | null {
  try {
    const decipher = createDecipheriv('aes-128-cbc', keyOf(password), ZEROS)
    return decipher.update(base64, 'base64', 'utf8') + decipher.final('utf8')
  } catch {
    return null
  }
}
