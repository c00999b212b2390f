import { RE2JS } from 're2js'

/** Told beforehand what is about to be done; throws where that is too much. */
export type Spend = (steps: number) => void

const MOST_STEPS = 1_000

/**
 * A tenant's regular expression, or what is wrong with it. RE2's syntax and its promise: time linear in the text,
 * whatever the pattern. It looks for the pattern anywhere.
 */
export function compilePattern(pattern: string): ((text: string, spend: Spend) => boolean) | string {
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return `is no regular expression of RE2 (no look-around, no back-references): ${why}`
  }
  const steps = compiled.programSize()
  if (steps > MOST_STEPS) return 'repeats too much: count less, or use * and +'
  return (text, spend) => {
    spend(text.length * steps * 2) // of 10 ns each, where the text makes it look at all of the pattern
    return compiled.matcher(text).find()
  }
}
