/** A route made ready to serve: authenticate, limit, read, check, call, answer. */
import { Readable } from 'node:stream'
import type { TSchema } from 'typebox'
import type { Endpoint } from '../../schemas/endpoint.ts'
import type { Logger } from '../core/logger.ts'
import { type Authenticators, authenticate } from './authenticate.ts'
import { parseJsonObject, readBody, textOf } from './body.ts'
import type { Call } from './call.ts'
import { chargeAnswer, chargeBody, limitCall, limitRefusedToken } from './limit-call.ts'
import { type Query, queryReader } from './query.ts'
import type { RateLimiter } from './rate-limit.ts'
import { RawResponse, rawJson } from './reply.ts'
import { type Resource, resourceOf } from './resources.ts'
import type { RequesterOf, Route } from './route.ts'
import { Check, refusal } from './validate.ts'

/** What the stages need from outside. */
export interface Stages {
  readonly authenticators: Authenticators
  readonly rateLimiter: RateLimiter
  readonly log: Logger
  /** Accept `?access_token=` beside the Authorization header. */
  readonly queryTokens: boolean
  /** A body that takes longer is given up. */
  readonly bodyTimeoutMs: number
  /** Tests: is told of answers that are not as declared, and they fail. Without it nobody looks at them. */
  readonly onUndeclared: ((mistake: string) => void) | undefined
}

export interface Mounted {
  readonly route: Route
  readonly resource: Resource
  readonly readQuery: (text: string) => Query
  readonly params: Check
  readonly query: Check
  readonly body: Check
  readonly response: Check
}

export function mount(route: Route): Mounted {
  const { path, params, query, body, ownResponse } = route.endpoint
  return {
    route,
    resource: resourceOf(path),
    readQuery: queryReader(query),
    params: new Check(params),
    query: new Check(query),
    body: new Check(body ?? ANYTHING),
    response: new Check(ownResponse),
  }
}

const ANYTHING: TSchema = {}

/** Serves a call whose path has been matched; throws what error-exit.ts answers. */
export async function serve(mounted: Mounted, call: Call, queryText: string, stages: Stages): Promise<RawResponse> {
  const { endpoint } = mounted.route
  const query = mounted.readQuery(queryText)
  call.query = query.values
  // A server's signature covers its body, so there the body comes first.
  if (endpoint.auth === 'server') await takeBody(call, stages.bodyTimeoutMs)
  const queryToken = stages.queryTokens ? query.accessToken : undefined
  call.authenticateAgain = () => authenticate(call, endpoint, queryToken, stages.authenticators)
  call.requester = await requesterOf(call, stages)
  limitCall(call, stages)
  if (endpoint.auth !== 'server') await takeClientBody(call, stages)
  check(mounted, call)
  const answer = await mounted.route.handle(call)
  const response = answer instanceof RawResponse ? answer : rawJson(JSON.stringify(answer))
  chargeAnswer(call, response, stages.rateLimiter)
  if (stages.onUndeclared) checkResponse(mounted, response, stages.onUndeclared)
  return response
}

async function requesterOf(call: Call, stages: Stages): Promise<RequesterOf<Endpoint>> {
  try {
    return await call.authenticateAgain()
  } catch (cause) {
    limitRefusedToken(call, cause, stages)
    throw cause
  }
}

/** A body that says how long it is counts before it comes, so that not many long ones come at once. */
async function takeClientBody(call: Call, { bodyTimeoutMs, rateLimiter }: Stages): Promise<void> {
  const { endpoint, req } = call
  if (endpoint?.body === undefined) return
  const announced = req.headers['content-length']
  if (announced !== undefined) chargeBody(call, Math.min(Number(announced), endpoint.maxBody), rateLimiter)
  await takeBody(call, bodyTimeoutMs)
  if (announced === undefined) chargeBody(call, call.bodyText.length, rateLimiter)
}

async function takeBody(call: Call, timeoutMs: number): Promise<void> {
  const { endpoint } = call
  if (endpoint?.body === undefined) return
  call.bodyText = textOf(await readBody(call.req, endpoint.maxBody, timeoutMs))
  call.body = call.bodyText === '' && endpoint.bodyOptional ? {} : parseJsonObject(call.bodyText)
}

function check(mounted: Mounted, call: Call): void {
  if (!mounted.params.passes(call.params)) throw refusal('params', mounted.params, call.params)
  if (!mounted.query.passes(call.query)) throw refusal('query', mounted.query, call.query)
  if (call.body !== undefined && !mounted.body.passes(call.body))
    throw refusal('body', mounted.body, call.body, call.bodyText.length)
}

function checkResponse(mounted: Mounted, response: RawResponse, onUndeclared: (mistake: string) => void): void {
  const value = declaredPart(response)
  if (value === undefined || mounted.response.passes(value)) return
  const { place, reason, missing } = mounted.response.failure(value)
  const { method, path } = mounted.route.endpoint
  const what = missing === undefined ? `'${place}' ${reason}` : `it has no '${missing}'`
  const mistake = `The answer of ${method} ${path} is not as declared: ${what}`
  onUndeclared(mistake)
  throw new Error(mistake)
}

/** What the declaration speaks about: the JSON of a 200. */
function declaredPart({ status, headers, body }: RawResponse): unknown {
  if (status !== 200 || headers['Content-Type'] !== 'application/json' || body instanceof Readable) return undefined
  return JSON.parse([body].flat().join(''))
}
