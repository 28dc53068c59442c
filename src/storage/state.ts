/**
 * Room state at every event: persistent maps from kind to event that share what they have in common.
 *
 * A map is a radix tree over a mixed kind nid. A leaf holds up to 32 pairs, a branch up to 32 children; nodes are never
 * changed, so a new state costs the few nodes on the way to what changed, and two states differ only where their node
 * ids do. The empty map has the root 0.
 */
import { RecentCache } from '../core/recent-cache.ts'
import { Turns } from '../core/slices.ts'
import { CacheUse } from '../core/cache-use.ts'
import type { Batch, Database } from './database.ts'
import { addStates, disputePairs, type Disputes } from './state-disputes.ts'
import { VarintReader, VarintWriter } from './varint.ts'

const BY_ID = 'SELECT data FROM state_nodes WHERE node_id = ?'
const INSERT = 'INSERT INTO state_nodes (node_id, data) VALUES (?, ?)'

/** Something of a state has to be read from the database. */
export const UNREAD = Symbol('unread')

const LEAF_SIZE = 32
const BITS = 5
const FANOUT = 32
const EMPTY = 0
const EMPTY_LEAF: Leaf = { pairs: new Map() }
const NO_CHILDREN: readonly number[] = Array.from({ length: FANOUT }, () => EMPTY)

interface Leaf {
  /** Pairs of kind nid and event nid, by kind. */
  readonly pairs: ReadonlyMap<number, number>
}
interface Branch {
  /** Node ids by slot; 0 where nothing is. */
  readonly children: readonly number[]
}
type Node = Leaf | Branch

/** A state that is not written yet: its root, and the nodes that it does not share with what it was made from. */
export interface StateChange {
  readonly root: number
  readonly nodes: ReadonlyMap<number, Node>
}

/** What one kind is in each of two states; undefined where a state has nothing of the kind. */
export interface StateDifference {
  kind: number
  before: number | undefined
  after: number | undefined
}

const mix = (kind: number): number => Math.imul(kind, 0x9e3779b1) >>> 0
/** The slot of a kind in a branch `depth` levels below the root. */
const slotOf = (kind: number, depth: number): number => {
  const shift = 32 - BITS * (depth + 1)
  return shift >= 0 ? (mix(kind) >>> shift) & (FANOUT - 1) : mix(kind) & 3
}

export class StateMaps {
  readonly #db: Database
  readonly cacheUse = new CacheUse()
  readonly #cache = new RecentCache<number, Node>(60_000)
  /** Nodes of batches that are not durable yet: reads must find them, and the cache may have let them go. */
  readonly #pending = new Map<number, Node>()
  #last: number

  constructor(db: Database) {
    this.#db = db
    this.#last = db.maximum('state_nodes', 'node_id')
  }

  /** The events of some kinds in the state `root`; kinds that it does not have are left out. */
  async get(root: number, kinds: Iterable<number>): Promise<Map<number, number>> {
    const found = new Map<number, number>()
    for (const kind of kinds) {
      const known = this.peek(root, kind)
      const event = known === UNREAD ? await this.find(root, kind) : known
      if (event !== undefined) found.set(kind, event)
    }
    return found
  }

  /** The event of one kind in the state `root`. */
  async find(root: number, kind: number): Promise<number | undefined> {
    let node = await this.#node(root)
    for (let depth = 0; 'children' in node; depth++) node = await this.#node(node.children[slotOf(kind, depth)] ?? EMPTY)
    return node.pairs.get(kind)
  }

  /** As `find`, where that needs no reading: for hot paths, since each promise costs them more than the look-up. */
  peek(root: number, kind: number): number | undefined | typeof UNREAD {
    let id = root
    for (let depth = 0; id !== EMPTY; depth++) {
      const node = this.#cached(id)
      if (!node) return UNREAD
      if ('pairs' in node) return node.pairs.get(kind)
      id = node.children[slotOf(kind, depth)] ?? EMPTY
    }
    return undefined
  }

  /** The whole state: event nids by kind nid. */
  async entries(root: number): Promise<Map<number, number>> {
    const all = new Map<number, number>()
    await this.#collect(root, all)
    return all
  }

  /**
   * The state that results from `changes` (undefined removes a kind) to the state `root`.
   * Its nodes are kept in memory from now on; `write` has to follow in the same turn as the batch that uses it.
   */
  async change(root: number, changes: ReadonlyMap<number, number | undefined>): Promise<StateChange> {
    const nodes = new Map<number, Node>()
    const changed = changes.size === 0 ? root : await this.#changed(root, 0, [...changes], nodes, new Turns())
    return { root: changed, nodes }
  }

  /** Queues the nodes of a change. */
  write(batch: Batch, { nodes }: StateChange): void {
    for (const [id, node] of nodes) {
      batch.run(INSERT, id, encode(node))
      this.#pending.set(id, node)
    }
    batch.onSettled((committed) => {
      for (const [id, node] of nodes) {
        this.#pending.delete(id)
        if (committed) this.#cache.set(id, node)
      }
    })
  }

  /** What differs between two states, in time proportional to the difference. */
  async difference(before: number, after: number): Promise<StateDifference[]> {
    const differences: StateDifference[] = []
    await this.#compare(before, after, differences)
    return differences
  }

  /** What differs among any number of states, in time proportional to the nodes that they do not share. */
  async disputes(roots: readonly number[]): Promise<Disputes> {
    const groups = new Map<number, bigint>()
    for (const [index, root] of roots.entries()) addStates(groups, root, 1n << BigInt(index))
    const disputes = new Map<number, Map<number, bigint>>()
    await this.#dispute(groups, 0, disputes, new Turns())
    return disputes
  }

  /** @param groups the nodes, or parts of leaves, that the states have at one place of the tree `depth` levels down */
  async #dispute(
    groups: ReadonlyMap<number | Leaf, bigint>,
    depth: number,
    into: Map<number, Map<number, bigint>>,
    turns: Turns,
  ): Promise<void> {
    if (groups.size < 2) return
    if (turns.isDue) await turns.next()
    const nodes: [Node, bigint][] = []
    for (const [at, states] of groups) nodes.push([typeof at === 'number' ? await this.#node(at) : at, states])
    const leaves = nodes.flatMap(([node, states]) => ('pairs' in node ? [{ node, states }] : []))
    if (leaves.length === nodes.length) return disputePairs(leaves, into)
    const parts = leaves.map(({ node, states }) => ({ pairs: bySlot([...node.pairs], depth), states }))
    for (let slot = 0; slot < FANOUT; slot++) {
      const children = new Map<number | Leaf, bigint>()
      for (const [node, states] of nodes) if ('children' in node) addStates(children, node.children[slot] ?? EMPTY, states)
      for (const { pairs, states } of parts) {
        const part = pairs.get(slot)
        addStates(children, part ? { pairs: new Map(part) } : EMPTY, states)
      }
      await this.#dispute(children, depth + 1, into, turns)
    }
  }

  async #collect(id: number, into: Map<number, number>): Promise<void> {
    if (id === EMPTY) return
    const node = this.#cached(id) ?? (await this.#load(id))
    if ('pairs' in node) for (const [kind, event] of node.pairs) into.set(kind, event)
    else for (const child of node.children) if (child !== EMPTY) await this.#collect(child, into)
  }

  async #changed(
    id: number,
    depth: number,
    changes: [number, number | undefined][],
    nodes: Map<number, Node>,
    turns: Turns,
  ): Promise<number> {
    if (turns.isDue) await turns.next()
    const node = await this.#node(id)
    if ('pairs' in node) {
      const pairs = new Map(node.pairs)
      for (const [kind, event] of changes) {
        if (event === undefined) pairs.delete(kind)
        else pairs.set(kind, event)
      }
      return samePairs(pairs, node.pairs) ? id : this.#build(pairs, depth, nodes)
    }
    const children = [...node.children]
    for (const [slot, part] of bySlot(changes, depth)) {
      children[slot] = await this.#changed(children[slot] ?? EMPTY, depth + 1, part, nodes, turns)
    }
    if (children.every((child, slot) => child === node.children[slot])) return id
    return children.every((child) => child === EMPTY) ? EMPTY : this.#add({ children }, nodes)
  }

  #build(pairs: ReadonlyMap<number, number>, depth: number, nodes: Map<number, Node>): number {
    if (pairs.size === 0) return EMPTY
    if (pairs.size <= LEAF_SIZE) return this.#add({ pairs: new Map([...pairs].sort(([a], [b]) => a - b)) }, nodes)
    const children = [...NO_CHILDREN]
    for (const [slot, part] of bySlot([...pairs], depth)) children[slot] = this.#build(new Map(part), depth + 1, nodes)
    return this.#add({ children }, nodes)
  }

  #add(node: Node, nodes: Map<number, Node>): number {
    const id = ++this.#last
    nodes.set(id, node)
    return id
  }

  async #compare(before: number, after: number, into: StateDifference[]): Promise<void> {
    if (before === after) return
    const left = before === EMPTY ? undefined : (this.#cached(before) ?? (await this.#load(before)))
    const right = after === EMPTY ? undefined : (this.#cached(after) ?? (await this.#load(after)))
    if (left && right && 'children' in left && 'children' in right) {
      for (let slot = 0; slot < FANOUT; slot++)
        await this.#compare(left.children[slot] ?? EMPTY, right.children[slot] ?? EMPTY, into)
      return
    }
    const old = await this.entries(before)
    const now = await this.entries(after)
    for (const [kind, event] of now) if (old.get(kind) !== event) into.push({ kind, before: old.get(kind), after: event })
    for (const [kind, event] of old) if (!now.has(kind)) into.push({ kind, before: event, after: undefined })
  }

  async #node(id: number): Promise<Node> {
    return id === EMPTY ? EMPTY_LEAF : (this.#cached(id) ?? this.#load(id))
  }

  #cached(id: number): Node | undefined {
    return this.cacheUse.count(this.#cache.get(id) ?? this.#pending.get(id))
  }

  async #load(id: number): Promise<Node> {
    const row = await this.#db.get<{ data: Uint8Array }>(BY_ID, id)
    if (!row) throw new Error(`state node ${id} is missing from the database`)
    const node = decode(row.data)
    this.#cache.set(id, node)
    return node
  }
}

function bySlot<V>(pairs: readonly [number, V][], depth: number): Map<number, [number, V][]> {
  const slots = new Map<number, [number, V][]>()
  for (const pair of pairs) {
    const slot = slotOf(pair[0], depth)
    const part = slots.get(slot)
    if (part) part.push(pair)
    else slots.set(slot, [pair])
  }
  return slots
}

function samePairs(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean {
  if (a.size !== b.size) return false
  for (const [kind, event] of a) if (b.get(kind) !== event) return false
  return true
}

/** A leaf starts with 1, a branch with 0; kinds and slots are counted on from the last one. */
function encode(node: Node): Buffer {
  const writer = new VarintWriter(256)
  let last = 0
  if ('pairs' in node) {
    writer.integer(1)
    for (const [kind, event] of node.pairs) {
      writer.integer(kind - last).integer(event)
      last = kind
    }
    return writer.finish()
  }
  writer.integer(0)
  for (const [slot, child] of node.children.entries()) if (child !== EMPTY) writer.integer(slot).integer(child)
  return writer.finish()
}

function decode(data: Uint8Array): Node {
  const reader = new VarintReader(data)
  if (reader.integer() === 1) {
    const pairs = new Map<number, number>()
    for (let kind = 0; !reader.done; ) {
      kind += reader.integer()
      pairs.set(kind, reader.integer())
    }
    return { pairs }
  }
  const children = [...NO_CHILDREN]
  while (!reader.done) children[reader.integer()] = reader.integer()
  return { children }
}
