/** The answer of the authorisation rules about one event and one state. */
export type AuthVerdict = { readonly allowed: true } | Refusal

export interface Refusal {
  readonly allowed: false
  /** Names the rule; the same in all room versions, although their numbering differs. */
  readonly rule: string
  /** For people: what is wrong. */
  readonly why: string
}

export const allow: AuthVerdict = Object.freeze({ allowed: true })

export function reject(rule: string, why: string): Refusal {
  return { allowed: false, rule, why }
}

/** The verdict of a last check: allowed if it holds, rejected by its rule otherwise. */
export function allowIf(holds: boolean, rule: string, why: string): AuthVerdict {
  return holds ? allow : reject(rule, why)
}
