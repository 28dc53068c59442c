/** What the content of a membership takes from the body of a request. */
interface Body {
  readonly reason?: string | undefined
  readonly 'org.matrix.msc4293.redact_events'?: boolean | undefined
}

export const reasonOf = ({ reason }: Body) => (reason === undefined ? {} : { reason })

/** Of kicks and bans. */
export function removalOf(body: Body) {
  const { 'org.matrix.msc4293.redact_events': redactEvents } = body
  return { ...reasonOf(body), ...(redactEvents !== undefined && { 'org.matrix.msc4293.redact_events': redactEvents }) }
}
