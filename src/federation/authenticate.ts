/** Who sent a request. https://spec.matrix.org/v1.19/server-server-api/#request-authentication */
import type { ServerName } from '../../schemas/ids.ts'
import type { Json } from '../../schemas/json.ts'
import { forbidden, MatrixError, unauthorised } from '../core/errors.ts'
import type { SignedCall } from '../http/authenticate.ts'
import { decodeBase64 } from '../protocol/base64.ts'
import { signedText } from '../protocol/signing.ts'
import { parseLossless } from '../protocol/strict-json.ts'
import { parseXMatrix, requestToSign, type XMatrix } from '../protocol/xmatrix.ts'
import type { KeyRing } from './key-ring.ts'
import type { RetryGate } from './retry-gate.ts'
import type { SignatureChecks } from './signature-checks.ts'

export interface AuthenticatorOptions {
  readonly serverName: ServerName
  readonly keyRing: Pick<KeyRing, 'keyFor'>
  readonly checks: SignatureChecks
  /** Told of every server that has proven itself: it is there. */
  readonly gate: Pick<RetryGate, 'alive'>
  /** Which servers are listened to at all. */
  readonly mayCall: (server: ServerName) => boolean
}

const SIGNATURE_BYTES = 64
/** A server signs with one key, or two while it changes them. */
const MAX_HEADERS = 4

/**
 * Makes the function that tells which server has signed a request.
 * @throws {MatrixError} from that function: 401 M_UNAUTHORIZED for a signature that does not hold, 400 for a header that cannot be read, 403
 * for a server that we do not talk to
 */
export function serverAuthenticator(options: AuthenticatorOptions): (request: SignedCall) => Promise<ServerName> {
  return async (request) => {
    const headers = headersOf(request)
    const origin = originOf(headers, options)
    const text = signedText(requestToSign(request.method, request.uri, origin, options.serverName, contentOf(request)))
    await assertSigned(headers, text, options)
    options.gate.alive(origin)
    return origin
  }
}

function headersOf({ authorization }: SignedCall): XMatrix[] {
  const signed = authorization.filter((header) => /^x-matrix\s/i.test(header))
  if (signed.length > MAX_HEADERS) throw malformed(`The request has more than ${MAX_HEADERS} signatures`)
  return signed.map((header) => {
    const parsed = parseXMatrix(header)
    if (parsed === undefined)
      throw malformed('An Authorization header is not of the form X-Matrix origin="...",destination="...",key="...",sig="..."')
    return parsed
  })
}

function originOf(headers: readonly XMatrix[], { serverName, mayCall }: AuthenticatorOptions): ServerName {
  const [first] = headers
  if (first === undefined) throw unauthorised('The request is not signed')
  const { origin } = first
  if (headers.some((header) => header.origin !== origin)) throw unauthorised('The Authorization headers name different origins')
  // If this property is included, but the value does not match the receiving server's name, the receiving server must
  // deny the request with an HTTP status code 401 Unauthorized.
  const stray = headers.find(({ destination }) => destination !== undefined && destination !== serverName)
  if (stray) throw unauthorised(`The request is meant for ${stray.destination}, this is ${serverName}`)
  if (origin === serverName) throw unauthorised('A request cannot come from the server that it goes to')
  if (!mayCall(origin)) throw forbidden(`${serverName} does not talk to ${origin}`)
  return origin
}

/** Read from the text: transactions carry events of rooms that allow any number, which is signed as the sender wrote it. */
function contentOf({ bodyText }: SignedCall): Json | undefined {
  return bodyText === '' ? undefined : parseLossless(bodyText)
}

/** One header that holds is enough: the keys of the others may be too new for us. */
async function assertSigned(headers: readonly XMatrix[], text: string, { keyRing, checks }: AuthenticatorOptions): Promise<void> {
  let fault = ''
  for (const { origin, keyId, signature } of headers) {
    const bytes = decodeBase64(signature, SIGNATURE_BYTES)
    const key = bytes && (await keyRing.keyFor({ server: origin, keyId, use: { kind: 'request' } }))
    if (bytes === undefined) fault = `The signature with ${keyId} is not base64 of ${SIGNATURE_BYTES} bytes`
    else if (key === undefined) fault = `The key ${keyId} of ${origin} is not known, not valid any more, or could not be fetched`
    else if (await checks.isValid(text, key, bytes)) return
    else fault = `The signature of ${origin} with ${keyId} does not fit the request`
  }
  throw unauthorised(fault)
}

function malformed(why: string): MatrixError {
  return new MatrixError(400, 'M_UNAUTHORIZED', why)
}
