/**
 * The check digits of Brazil's papers. A sign counts as its code less 48: a digit as itself, a letter (in a CNPJ since
 * July 2026, IN RFB 2.229/2024) as 17 and more.
 */

/** Weights 2 and 1 in turn from the right, the digits of each product added; what lacks to the next ten. */
export function modulo10(digits: string): number {
  let sum = 0
  for (let at = digits.length - 1, doubled = true; at >= 0; at--, doubled = !doubled) {
    const product = (digits.charCodeAt(at) - 48) * (doubled ? 2 : 1)
    sum += product > 9 ? product - 9 : product
  }
  return (10 - (sum % 10)) % 10
}

/**
 * Weights from the right, 2 to `heaviest` and again; what lacks to the next eleven. Where that is 10 or 11, no digit,
 * it is `otherwise`.
 */
export function modulo11(text: string, { heaviest = 9, otherwise = 0 } = {}): number {
  let sum = 0
  let weight = 2
  for (let at = text.length - 1; at >= 0; at--) {
    sum += (text.charCodeAt(at) - 48) * weight
    weight = weight === heaviest ? 2 : weight + 1
  }
  const rest = sum % 11
  return rest < 2 ? otherwise : 11 - rest
}
