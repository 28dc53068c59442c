/** The signature of a request between servers. https://spec.matrix.org/v1.19/server-server-api/#request-authentication */
import type { KeyObject } from 'node:crypto'
import { isServerName, type ServerName } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { type SigningKey, signedText, verifyJson } from './signing.ts'

/** What an `Authorization: X-Matrix` header says. */
export interface XMatrix {
  readonly origin: ServerName
  /** Older servers leave it out of the header (but not of what they sign). */
  readonly destination: ServerName | undefined
  /** The id of the origin's key, such as `ed25519:a_abcd`. */
  readonly keyId: string
  readonly signature: string
}

/** A request as it is signed: the JSON object whose signature goes into the header. */
export interface RequestToSign extends JsonObject {
  readonly method: string
  /** The full path, including the `?` and any query parameters if present, as it goes over the wire. */
  readonly uri: string
  readonly origin: ServerName
  readonly destination: ServerName
  /** The parsed body; absent where there is none. */
  readonly content?: Json
}

const SCHEME = /^x-matrix +/i
/** name=value: a token, or text in quotes with backslash escapes. Colons need no quotes, for older servers. */
const PARAMETER = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:-]+))/y
/** One comma or more (empty elements of a list are skipped), or the end. */
const SEPARATOR = /(?:[ \t]*,)+[ \t]*|[ \t]*$/y

/** Reads an `Authorization` header; undefined where it is not a complete X-Matrix one. */
export function parseXMatrix(header: string): XMatrix | undefined {
  const scheme = SCHEME.exec(header)
  const parameters = scheme === null ? undefined : parametersFrom(header, scheme[0].length)
  const origin = parameters?.get('origin')
  const destination = parameters?.get('destination')
  const keyId = parameters?.get('key')
  const signature = parameters?.get('sig')
  if (origin === undefined || keyId === undefined || signature === undefined) return undefined
  if (!isServerName(origin) || (destination !== undefined && !isServerName(destination))) return undefined
  return { origin, destination, keyId, signature }
}

/** The parameters by their names in lower case; undefined where the list is malformed or names one twice. */
function parametersFrom(header: string, start: number): Map<string, string> | undefined {
  const parameters = new Map<string, string>()
  let position = start
  while (position < header.length) {
    const [whole, name = '', quoted, token = ''] = matchAt(PARAMETER, header, position) ?? []
    if (whole === undefined || parameters.has(name.toLowerCase())) return undefined
    // A backslash-character pair is replaced by the character that follows the backslash.
    parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? token)
    position += whole.length
    const separator = matchAt(SEPARATOR, header, position)
    if (separator === undefined) return undefined
    position += separator[0].length
  }
  return parameters
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | undefined {
  pattern.lastIndex = position
  return pattern.exec(text) ?? undefined
}

/** The object to sign for a request; `content` is its parsed body. */
export function requestToSign(
  method: string,
  uri: string,
  origin: ServerName,
  destination: ServerName,
  content?: Json,
): RequestToSign {
  return { method, uri, origin, destination, ...(content === undefined ? {} : { content }) }
}

/** The `Authorization` header for a request: one space, lower-case names, no white space around the commas. */
export function signRequest(request: RequestToSign, key: SigningKey): string {
  const { origin, destination } = request
  const signature = key.sign(signedText(request))
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${signature}"`
}

/** Whether the signature of a header fits the request, whose `origin` must be that of the header. */
export function verifyRequest(request: RequestToSign, { keyId, signature }: XMatrix, verifyKey: KeyObject): boolean {
  const { origin } = request
  return verifyJson({ ...request, signatures: { [origin]: { [keyId]: signature } } }, origin, keyId, verifyKey)
}
