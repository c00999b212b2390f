import { inspect } from 'node:util'

/** A value that may be used and never shown: every way of printing it gives `[secret]`. */
export type Secret = {
  reveal(): string
  toString(): string
  toJSON(): string
}

const HIDDEN = '[secret]'
const hidden = (): string => HIDDEN

/** The value lives in a closure, so no walk over the object's properties reaches it. */
export function secret(value: string): Secret {
  return Object.freeze({
    reveal: () => value,
    toString: hidden,
    toJSON: hidden,
    [Symbol.toPrimitive]: hidden,
    [inspect.custom]: hidden,
  })
}
