import type { Endpoint } from '../../schemas/endpoint.ts'

/** Path and query string of a call: what goes over the wire and what is signed. Ids with `/ $ : + #` are percent-encoded. */
export function uriOf(endpoint: Endpoint, params: object, query: object): string {
  const values = new Map<string, unknown>(Object.entries(params))
  const path = endpoint.path.replaceAll(/:([A-Za-z]+)/g, (_, name: string) => encode(values.get(name)))
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    const repeated: readonly unknown[] = Array.isArray(value) ? value : [value]
    return repeated.filter((item) => item !== undefined).map((item) => `${encode(name)}=${encode(item)}`)
  })
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

function encode(value: unknown): string {
  // Half a surrogate pair has no UTF-8; encodeURIComponent would throw.
  return encodeURIComponent(String(value).toWellFormed())
}
