/** The parts of the server that a listener may offer or hide. */
export type Resource = 'client' | 'federation' | 'media' | 'admin' | 'metrics'

/** By the beginning of the declared path; the first that fits. */
const PREFIXES: readonly (readonly [prefix: string, resource: Resource])[] = [
  ['/_matrix/client/v1/media/', 'media'],
  ['/_matrix/media/', 'media'],
  ['/_matrix/federation/', 'federation'],
  ['/_matrix/key/', 'federation'],
  ['/_matrix/policy/', 'federation'],
  ['/.well-known/matrix/server', 'federation'],
  ['/_synapse/admin/', 'admin'],
  ['/_causeway/admin/', 'admin'],
  ['/metrics', 'metrics'],
]

export function resourceOf(path: string): Resource {
  return PREFIXES.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 'client'
}
