/**
 * The kind of an event in one name: the type of a message event, or the type and state key of a state event.
 * It is what state maps are keyed by.
 */
const escape = (type: string): string =>
  type.includes('\0') || type.includes('\\') ? type.replaceAll('\\', '\\\\').replaceAll('\0', '\\0') : type
const unescape = (type: string): string =>
  type.includes('\\') ? type.replaceAll(/\\(.)/gs, (_, c: string) => (c === '0' ? '\0' : c)) : type

export function kindOf(type: string, stateKey: string | undefined): string {
  return stateKey === undefined ? escape(type) : `${escape(type)}\0${stateKey}`
}

export function parseKind(kind: string): { type: string; stateKey: string | undefined } {
  const end = kind.indexOf('\0')
  if (end < 0) return { type: unescape(kind), stateKey: undefined }
  return { type: unescape(kind.slice(0, end)), stateKey: kind.slice(end + 1) }
}
