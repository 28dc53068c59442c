import type { ServerName } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { MatrixError } from '../core/errors.ts'

export type FederationFailure =
  /** Federation is switched off, the server is not allowed, or it is us. */
  | 'denied'
  /** It failed lately and it is too early to try again. */
  | 'backing-off'
  /** Its name leads nowhere, or nobody there answers. */
  | 'unreachable'
  /** The caller's signal. */
  | 'aborted'
  /** It answered with an error: see `remoteStatus` and `remoteErrcode`. */
  | 'refused'
  /** Its answer is too large, no JSON, or not as the specification says. */
  | 'malformed'

interface Answer {
  readonly status: number
  /** The body; empty where it is no JSON object. */
  readonly body: JsonObject
}

/**
 * A call to another server that came to nothing. Uncaught, it answers our own client: with the other server's 400, 403,
 * 404 or 413 as it is, and with a 502 otherwise. (Its 401 is about our signature, and its 429 about us, not about the client.)
 */
export class FederationError extends MatrixError {
  override name = 'FederationError'
  readonly server: ServerName
  readonly failure: FederationFailure
  /** Of the other server's answer, where there was one. */
  readonly remoteStatus: number | undefined
  readonly remoteErrcode: string | undefined
  readonly remoteBody: JsonObject
  /** What exactly went wrong, for the log: it may name addresses. */
  readonly detail: string

  constructor(server: ServerName, failure: FederationFailure, detail: string, answer?: Answer) {
    const errcode = answer === undefined ? undefined : textOf(answer.body['errcode'])
    const passedOn = answer !== undefined && errcode !== undefined && PASSED_ON.has(answer.status)
    const error = textOf(answer?.body['error'])
    const status = passedOn ? answer.status : 502
    const text = passedOn ? (error ?? errcode) : `${server} ${CLIENT_TEXT[failure]}`
    super(status, passedOn ? errcode : 'M_UNKNOWN', text, passedOn ? extraOf(answer.body) : {})
    this.server = server
    this.failure = failure
    this.remoteStatus = answer?.status
    this.remoteErrcode = errcode
    this.remoteBody = answer?.body ?? {}
    this.detail = detail
  }
}

const CLIENT_TEXT: Readonly<Record<FederationFailure, string>> = {
  denied: 'is not a server that this one talks to',
  'backing-off': 'did not answer lately',
  unreachable: 'could not be reached',
  aborted: 'was not waited for',
  refused: 'refused',
  malformed: 'gave a malformed answer',
}
const PASSED_ON: ReadonlySet<number> = new Set([400, 403, 404, 413])
const MAX_TEXT_LENGTH = 1_000

/** `room_version` is required where the room's version is the trouble. */
function extraOf({ room_version: version }: JsonObject): JsonObject {
  const text = textOf(version)
  return text === undefined ? {} : { room_version: text }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT_LENGTH) : undefined
}
