/** Paths to routes: a radix tree, so that two hundred routes cost no more than one. */
import findMyWay from 'find-my-way'
import { invalidParam, unrecognised, wrongMethod } from '../core/errors.ts'
import { type Mounted, mount } from './mount.ts'
import type { Resource } from './resources.ts'
import type { Route } from './route.ts'

export interface Match {
  readonly mounted: Mounted
  /** Percent-decoded; a `%2F` inside a segment has become a slash. */
  readonly params: unknown
  /** Without the question mark. */
  readonly queryText: string
}

/** An identifier has up to 255 bytes, each of which may be percent-encoded. */
const MAX_PARAM = 2048

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const

export class Router {
  readonly #tree = findMyWay({
    maxParamLength: MAX_PARAM,
    querystringParser: (text: string) => text,
    // Percent escapes that are cut off or are no UTF-8.
    onBadUrl: () => undefined,
  })

  /** Throws where two routes claim the same method and path. */
  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const mounted = mount(route)
      const { method, path, alsoAt } = route.endpoint
      for (const at of [path, ...alsoAt]) this.#tree.on(method, at, served, mounted)
    }
  }

  /** `target` is the request target as sent. Throws 404 and 405 M_UNRECOGNIZED, and 400 for bad percent escapes. */
  find(method: string, target: string, offered: ReadonlySet<Resource>): Match {
    const match = this.#lookUp(method === 'HEAD' ? 'GET' : method, target)
    if (match === undefined) throw this.#isServed(target, offered) ? wrongMethod() : unrecognised()
    if (!offered.has(match.mounted.resource)) throw unrecognised()
    return match
  }

  #isServed(target: string, offered: ReadonlySet<Resource>): boolean {
    return METHODS.some((method) => {
      const match = this.#lookUp(method, target)
      return match !== undefined && offered.has(match.mounted.resource)
    })
  }

  #lookUp(method: string, target: string): Match | undefined {
    const known = METHODS.find((name) => name === method)
    const found = known && this.#tree.find(known, target)
    if (!found) return undefined
    const mounted: Mounted | null = found.store
    if (mounted === null) throw invalidParam('The path has a broken percent escape')
    return { mounted, params: found.params, queryText: String(found.searchParams) }
  }
}

/** The tree wants a handler with each path; we only ask it which path fits. */
function served(): void {}
