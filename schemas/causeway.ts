/** Endpoints of our own, beside what the specification has. Pages answer HTML, `/metrics` the text format of Prometheus. */
import { Type } from 'typebox'
import { endpoint } from './endpoint.ts'

const response = Type.Object({})
const query = Type.Object({ token: Type.Optional(Type.String()) })

export const landing = endpoint('GET', '/', { auth: 'none', response, spec: '' })

export const showSetup = endpoint('GET', '/_causeway/setup', { auth: 'none', rateLimit: 'login', query, response, spec: '' })

/** The body is a form, not JSON. */
export const submitSetup = endpoint('POST', '/_causeway/setup', {
  auth: 'none',
  rateLimit: 'login',
  maxBody: 8 * 1024,
  query,
  response,
  spec: '',
})

const state = Type.Enum(['ok', 'failing'])
/** 200 when every part works, else 503. */
export const health = endpoint('GET', '/_causeway/health', {
  auth: 'none',
  response: Type.Object({ status: state, parts: Type.Record(Type.String(), state) }),
  spec: '',
})

export const metrics = endpoint('GET', '/metrics', { auth: 'none', response, spec: '' })
