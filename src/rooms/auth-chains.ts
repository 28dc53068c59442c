/**
 * What state resolution asks about auth chains, answered without walking or loading whole ones (docs/adr/0005).
 *
 * Events are told by their nids. An event is kept only after its auth events, so going from greater nids to lesser is going
 * from late to early, whatever senders say of depths and times.
 */
import { Heap } from '../core/heap.ts'
import { Turns } from '../core/slices.ts'
import type { AuthGraph } from '../storage/auth-graph.ts'

export interface AuthChainsParts {
  readonly graph: Pick<AuthGraph, 'authEvents' | 'citations'>
  /** Whether an event, of a kind, is part of all the states. */
  readonly isShared: (nid: number, kind: number) => Promise<boolean>
}

/** The auth chains of the states of one resolution. */
export class AuthChains {
  readonly #parts: AuthChainsParts
  /** Events known to be in all chains, and events known not to be. */
  readonly #common = new Set<number>()
  readonly #uncommon = new Set<number>()
  readonly #turns = new Turns()

  constructor(parts: AuthChainsParts) {
    this.#parts = parts
  }

  /**
   * The auth difference: the events that are in the full auth chain of some, but not of all of the states. The full auth
   * chain of a state are the auth events of its events, their auth events and so on, back to the start.
   *
   * Goes back from what is not shared and notes of each event in which chains it is. What is in all of them, by way of a
   * shared event or by many ways, is left at that: whatever it is based on is found to be so when the walk comes there.
   * @param claims the events that are in some of the states, with the states that have each, one bit a state
   */
  async difference(claims: ReadonlyMap<number, bigint>, states: number): Promise<Set<number>> {
    const { graph } = this.#parts
    const walk = new DifferenceWalk((1n << BigInt(states)) - 1n)
    for (const [nid, having] of claims) {
      walk.enter(await graph.authEvents(nid), having)
      if (this.#turns.isDue) await this.#turns.next()
    }
    const found = new Set<number>()
    for (let nid = walk.next(); nid !== undefined; nid = walk.next()) {
      if (this.#turns.isDue) await this.#turns.next()
      if (await this.#isCommon(nid, walk)) continue
      found.add(nid)
      walk.enter(await graph.authEvents(nid), walk.chainsOf(nid))
    }
    return found
  }

  /**
   * The conflicted state subgraph: all events on a path along auth events from one conflicted event to another, both ends
   * included. Searches from the late ends and from the early ends in turn, until one search has seen all that there is for it.
   */
  async subgraph(conflicted: ReadonlySet<number>): Promise<Set<number>> {
    const { graph } = this.#parts
    const sorted = [...conflicted].sort((a, b) => a - b)
    const [earliest = 0, latest = 0] = [sorted.at(0), sorted.at(-1)]
    const back = new Search(sorted)
    const forth = new Search(sorted)
    for (;;) {
      const late = back.next()
      if (!late) return back.leadingTo(conflicted, (a, b) => a - b)
      for (const nid of await graph.authEvents(late.nid)) if (nid >= earliest) back.reach(nid, late.nid)
      const early = forth.next()
      if (!early) return forth.leadingTo(conflicted, (a, b) => b - a)
      const { citations, next } = await graph.citations(early.nid, early.end)
      for (const { citing, isCited } of citations)
        if (citing <= latest && (isCited || conflicted.has(citing))) forth.reach(citing, early.nid)
      if (next !== undefined) forth.goOn(early.nid, next)
      if (this.#turns.isDue) await this.#turns.next()
    }
  }

  /**
   * Whether a shared event has this one in its auth chain, or one that is in all chains: asks what cites it, the latest first,
   * and what cites that. The walk has been through all later events, so that it knows all of them that are in all chains.
   */
  async #isCommon(start: number, walk: DifferenceWalk): Promise<boolean> {
    if (this.#common.has(start)) return true
    if (this.#uncommon.has(start)) return false
    const search = new Search([start])
    for (let at = search.next(); at; at = search.next()) {
      const { citations, next } = await this.#parts.graph.citations(at.nid, at.end)
      for (const { citing, kind, isCited } of citations) {
        if (this.#turns.isDue) await this.#turns.next()
        if (this.#common.has(citing) || walk.isInAll(citing) || (await this.#parts.isShared(citing, kind))) {
          for (const nid of search.wayTo(at.nid)) this.#common.add(nid)
          return true
        }
        if (isCited && !this.#uncommon.has(citing)) search.reach(citing, at.nid)
      }
      if (next !== undefined) search.goOn(at.nid, next)
    }
    for (const nid of search.reached()) this.#uncommon.add(nid)
    return false
  }
}

/** Goes from the late events to the early and notes of each in which chains it is, one bit a state; passes over what is in all. */
class DifferenceWalk {
  readonly #inAll: bigint
  readonly #queue = new Heap<number>((a, b) => b - a)
  readonly #chains = new Map<number, bigint>()

  constructor(inAll: bigint) {
    this.#inAll = inAll
  }

  /** The latest event that was not visited yet and is in some chains; by then it is known in which. */
  next(): number | undefined {
    let nid = this.#queue.pop()
    while (nid !== undefined && this.isInAll(nid)) nid = this.#queue.pop()
    return nid
  }

  /** Events are in these chains, and maybe in others. */
  enter(nids: readonly number[], chains: bigint): void {
    for (const nid of nids) {
      const before = this.#chains.get(nid)
      if (before === undefined && chains !== this.#inAll) this.#queue.push(nid)
      this.#chains.set(nid, (before ?? 0n) | chains)
    }
  }

  chainsOf(nid: number): bigint {
    return this.#chains.get(nid) ?? 0n
  }

  isInAll(nid: number): boolean {
    return this.#chains.get(nid) === this.#inAll
  }
}

/** Where a search stands that goes on from one event to others. */
interface Step {
  readonly nid: number
  /** Where the list of what cites it goes on; undefined for its start. */
  readonly end: number | undefined
}

/** What a search from some events has reached, and from where. */
class Search {
  readonly #open = new Heap<Step>((a, b) => b.nid - a.nid)
  readonly #from = new Map<number, number[]>()

  constructor(starts: Iterable<number>) {
    for (const nid of starts) this.#add(nid, [])
  }

  /** The latest event from which it can still go on. */
  next(): Step | undefined {
    return this.#open.pop()
  }

  reach(nid: number, from: number): void {
    const known = this.#from.get(nid)
    if (known) known.push(from)
    else this.#add(nid, [from])
  }

  goOn(nid: number, end: number): void {
    this.#open.push({ nid, end })
  }

  reached(): Iterable<number> {
    return this.#from.keys()
  }

  /** The events on the way by which one was reached first, itself included. */
  *wayTo(nid: number): Generator<number> {
    for (let at: number | undefined = nid; at !== undefined; at = this.#from.get(at)?.[0]) yield at
  }

  /** The targets, and what was reached on any way to one of them; in `order`, the further event comes first. */
  leadingTo(targets: ReadonlySet<number>, order: (a: number, b: number) => number): Set<number> {
    const found = new Set(targets)
    for (const nid of [...this.#from.keys()].sort(order)) {
      if (found.has(nid)) for (const from of this.#from.get(nid) ?? []) found.add(from)
    }
    return found
  }

  #add(nid: number, from: number[]): void {
    this.#from.set(nid, from)
    this.#open.push({ nid, end: undefined })
  }
}
