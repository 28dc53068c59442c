/** https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api */
import { hash } from 'node:crypto'
import type { UserId } from '../../schemas/ids.ts'
import { type Json, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { forbidden, MatrixError } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { NEWEST_KEPT } from '../core/quotas.ts'
import { randomToken } from '../core/random.ts'
import type { Requester } from '../core/requester.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { UiaSession, UiaSessions } from '../storage/uia-sessions.ts'
import type { Purpose } from '../storage/validations.ts'
import { hashToken } from './tokens.ts'

const SESSION_LIFETIME_MS = 60 * 60_000

export type Flows = readonly (readonly string[])[]

/** What needs authentication. */
export interface Operation {
  /** A session serves one operation only: whoever agrees to delete one device has not agreed to delete another. */
  readonly id: string
  readonly flows: Flows
  /** Whose account it is about; undefined where there is none yet. */
  readonly userId?: UserId
  /** What a proof of an e-mail address must have been made for, where the operation takes one. */
  readonly proofFor?: Purpose
  /** What the request asks for; kept with the session for a later request that brings nothing but `auth`. */
  readonly parameters?: JsonObject
}

/** Passed, with what later steps may want to know; or why not, and the client may try again. */
export type StageVerdict =
  | { readonly passed: true; readonly result: Json }
  | { readonly passed: false; readonly reason: MatrixError }

/** How one stage, such as `m.login.password`, is passed. */
export interface Stage {
  /** What clients need to know for it. */
  readonly params?: JsonObject
  /** Throws what ends the attempt for good. */
  check(auth: JsonObject, operation: Pick<Operation, 'userId' | 'proofFor'>): Promise<StageVerdict>
  /** Whether what was found out on a page outside of the operation's own requests fits the operation. */
  fits?(result: Json, operation: Operation): boolean
}

/** The operation may go ahead. */
export interface Grant {
  /** Those of the operation, and those of earlier requests of the session. */
  readonly parameters: JsonObject
  readonly completed: Readonly<Record<string, Json>>
  /** What `keep` was given when the same session got here before. */
  readonly outcome: Json | undefined
  /** Keeps what has come of the operation, so that a repeated request gets the same. */
  keep(batch: Batch, outcome: Json): void
}

interface Deps {
  readonly db: Database
  readonly sessions: UiaSessions
  readonly clock: Clock
  /** By type. Each may be tried in every operation, in a flow or not. */
  readonly stages: Readonly<Record<string, Stage>>
  /** How a user proves that an account is theirs. */
  readonly ownerFlows: (user: Pick<Requester, 'userNid'>) => Promise<Flows>
}

/** A session with its id, as one request works on it. */
interface Current {
  readonly id: string
  readonly isNew: boolean
  session: UiaSession
}

export class UserInteractiveAuth {
  readonly #deps: Deps
  readonly #queue = new KeyedQueue<string>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Runs `task` if `auth` completes a flow of the operation. Rejects with the 401 that tells the client what is
   * missing, with M_FORBIDDEN for a session of another operation, or with what a stage or the task throws.
   */
  perform<T>(operation: Operation, auth: JsonObject | undefined, task: (grant: Grant) => Promise<T>): Promise<T> {
    const id = auth && stringAt(auth, 'session')
    if (id === undefined) return this.#proceed(operation, auth, undefined, task)
    return this.#queue.run(id, async () => this.#proceed(operation, auth, id, task))
  }

  /** As `perform`, for what only the owner of the requester's account may do. The session is bound to `body` too. */
  async performAsOwner<T>(requester: Requester, what: string, body: JsonObject, task: () => Promise<T>): Promise<T> {
    const operation = {
      id: operationId(`${requester.userId} ${what}`, body),
      flows: await this.#deps.ownerFlows(requester),
      userId: requester.userId,
    }
    return this.perform(operation, objectAt(body, 'auth'), task)
  }

  /** What there is to know of a stage before it is tried. */
  paramsOf(type: string): JsonObject {
    return this.#stage(type)?.params ?? {}
  }

  /** What a page has to show for a stage of a session; undefined where there is no such session or stage. */
  async stageOf(id: string, type: string): Promise<{ readonly isPassed: boolean; readonly params: JsonObject } | undefined> {
    const session = await this.#deps.sessions.get(hashToken(id), this.#deps.clock.now())
    const stage = this.#stage(type)
    return session && stage && { isPassed: Object.hasOwn(session.completed, type), params: stage.params ?? {} }
  }

  /**
   * Tries a stage from a page, outside of the operation's own requests. Answers why it was not passed, if it was not.
   * https://spec.matrix.org/v1.19/client-server-api/#fallback
   */
  tryOnPage(id: string, type: string, auth: JsonObject): Promise<MatrixError | undefined> {
    return this.#queue.run(id, async () => {
      const verdict = await this.#stage(type)?.check(auth, {})
      if (verdict?.passed === false) return verdict.reason
      const isKept = verdict !== undefined && (await this.#complete(id, type, verdict.result))
      return isKept ? undefined : forbidden('The session is unknown or has expired')
    })
  }

  /** Notes a stage as passed that was passed elsewhere; false where there is no such session. */
  complete(id: string, type: string, result: Json): Promise<boolean> {
    return this.#queue.run(id, () => this.#complete(id, type, result))
  }

  async #complete(id: string, type: string, result: Json): Promise<boolean> {
    const session = await this.#deps.sessions.get(hashToken(id), this.#deps.clock.now())
    if (!session) return false
    await this.#save({ id, isNew: false, session: { ...session, completed: { ...session.completed, [type]: result } } })
    return true
  }

  #stage(type: string): Stage | undefined {
    return Object.hasOwn(this.#deps.stages, type) ? this.#deps.stages[type] : undefined
  }

  async #proceed<T>(
    operation: Operation,
    auth: JsonObject | undefined,
    id: string | undefined,
    task: (grant: Grant) => Promise<T>,
  ): Promise<T> {
    const current = await this.#currentSession(operation, id)
    const refusal = await this.#attempt(current, operation, auth)
    const { completed } = current.session
    for (const [type, result] of Object.entries(completed)) {
      if (this.#stage(type)?.fits?.(result, operation) === false) throw forbidden('Somebody else has authenticated')
    }
    if (operation.flows.some((flow) => flow.every((stage) => Object.hasOwn(completed, stage)))) {
      return this.#finish(current, task)
    }
    await this.#save(current)
    throw this.#challenge(current, operation, refusal)
  }

  async #currentSession(operation: Operation, id: string | undefined): Promise<Current> {
    const session = id === undefined ? undefined : await this.#deps.sessions.get(hashToken(id), this.#deps.clock.now())
    const parameters = operation.parameters ?? {}
    if (id === undefined || session === undefined) {
      return {
        id: randomToken(),
        isNew: true,
        session: { operation: operation.id, parameters, completed: {}, outcome: undefined },
      }
    }
    if (session.operation !== operation.id) throw forbidden('The session belongs to another operation')
    return { id, isNew: false, session: { ...session, parameters: { ...session.parameters, ...parameters } } }
  }

  /** Tries the stage that `auth` is for; answers why it was not passed, if it was not. */
  async #attempt(current: Current, operation: Operation, auth: JsonObject | undefined): Promise<MatrixError | undefined> {
    const type = auth && stringAt(auth, 'type')
    const { completed } = current.session
    // Completed stages cannot be retried by clients.
    if (auth === undefined || type === undefined || Object.hasOwn(completed, type)) return undefined
    const stage = this.#stage(type)
    if (!stage || !mayFollow(operation.flows, completed, type)) return forbidden(`The stage ${type} is not to be done now`)
    const verdict = await stage.check(auth, operation)
    if (!verdict.passed) return verdict.reason
    current.session = { ...current.session, completed: { ...completed, [type]: verdict.result } }
    return undefined
  }

  async #finish<T>(current: Current, task: (grant: Grant) => Promise<T>): Promise<T> {
    const { db, sessions, clock } = this.#deps
    const { parameters, completed, outcome } = current.session
    let isKept = outcome !== undefined
    const keep = (batch: Batch, result: Json) => {
      isKept = true
      const session = { ...current.session, outcome: result }
      if (!current.isNew) sessions.save(batch, hashToken(current.id), session, clock.now() + SESSION_LIFETIME_MS)
    }
    try {
      const answer = await task({ parameters, completed, outcome, keep })
      if (!isKept && !current.isNew) await db.write((batch) => sessions.remove(batch, hashToken(current.id)))
      return answer
    } catch (cause) {
      // The stages stay passed: a client may come back with another user name without solving another riddle.
      if (!current.isNew) await this.#save(current)
      throw cause
    }
  }

  async #save({ id, session }: Current): Promise<void> {
    const { db, sessions, clock } = this.#deps
    const now = clock.now()
    await db.write((batch) => {
      sessions.removeExpired(batch, now)
      sessions.save(batch, hashToken(id), session, now + SESSION_LIFETIME_MS)
      const owner = /^@\S+ /.exec(session.operation)?.[0]
      if (owner !== undefined) sessions.removeOldest(batch, owner, NEWEST_KEPT.uiaSessions)
    })
  }

  #challenge({ id, session }: Current, { flows }: Operation, refusal: MatrixError | undefined): MatrixError {
    const params: JsonObject = {}
    for (const type of new Set(flows.flat())) {
      const known = this.#deps.stages[type]?.params
      if (known) params[type] = known
    }
    const state = {
      session: id,
      flows: flows.map((stages) => ({ stages: [...stages] })),
      params,
      completed: Object.keys(session.completed),
    }
    return new Challenge(state, refusal)
  }
}

/** The 401 that asks for authentication. It is an error, with `errcode` and `error`, only where a stage was not passed. */
class Challenge extends MatrixError {
  readonly #isError: boolean

  constructor(state: JsonObject, refusal: MatrixError | undefined) {
    super(401, refusal?.errcode ?? 'M_UNAUTHORIZED', refusal?.message ?? 'Authentication is needed', state)
    this.#isError = refusal !== undefined
  }

  override toJSON(): JsonObject {
    return this.#isError ? super.toJSON() : this.extra
  }
}

/** The flow's stages must be completed in order. What is in no flow may be done at any time. */
function mayFollow(flows: Flows, completed: Readonly<Record<string, Json>>, type: string): boolean {
  const withIt = flows.filter((flow) => flow.includes(type))
  return (
    withIt.length === 0 ||
    withIt.some((flow) => flow.slice(0, flow.indexOf(type)).every((stage) => Object.hasOwn(completed, stage)))
  )
}

/** The id of an operation that is bound to all of a request's body but `auth`. */
export function operationId(what: string, { auth: _auth, ...body }: JsonObject): string {
  return `${what} ${hash('sha256', sortedJson(body), 'base64url')}`
}

/** The same text for the same object, in whatever order a client writes its keys. */
function sortedJson(body: JsonObject): string {
  return JSON.stringify(Object.entries(body).sort(([a], [b]) => (a < b ? -1 : 1)))
}
