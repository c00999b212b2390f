/** What a text is refused for: `rule` is stable and for programs, `reason` is for people. */
export type Refusal<Rule extends string = string> = { valid: false; rule: Rule; reason: string }

export const refuse = <Rule extends string>(rule: Rule, reason: string): Refusal<Rule> => ({
  valid: false,
  rule,
  reason,
})
