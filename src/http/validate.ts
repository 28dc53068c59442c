/** Checks what comes in against the declaration, in place: nothing is rebuilt, unknown keys stay. */
import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { badJson, invalidParam, type MatrixError, missingParam } from '../core/errors.ts'

type Part = 'params' | 'query' | 'body'

/**
 * A check that is compiled when it is first used: that costs a request about a tenth of a millisecond, all declarations
 * together would cost every start (of each server in each test, too) 60 ms.
 */
export class Check {
  readonly #schema: TSchema
  #validator: Validator | undefined

  constructor(schema: TSchema) {
    this.#schema = schema
  }

  passes(value: unknown): boolean {
    this.#validator ??= Compile(this.#schema)
    return this.#validator.Check(value)
  }

  /** Why `value` does not pass: the place in it, as a path like `/messages/0`, and the reason. */
  failure(value: unknown): Failure {
    const errors = (this.#validator ?? Compile(this.#schema)).Errors(value)
    const missing = errors.find((error) => error.keyword === 'required' && error.instancePath === '')
    if (missing?.keyword === 'required')
      return { missing: missing.params.requiredProperties[0], place: '', reason: missing.message }
    // Of a union, each branch has its own complaint and the union's own comes last.
    const error = errors.find((candidate) => candidate.keyword === 'anyOf') ?? errors[0]
    return { missing: undefined, place: error?.instancePath ?? '', reason: error?.message ?? 'is not as declared' }
  }
}

/** A longer body that does not pass is refused without a reason. */
const MAX_EXPLAINED = 64 * 1024

interface Failure {
  /** The first required key that is not there. */
  readonly missing: string | undefined
  readonly place: string
  readonly reason: string
}

/** The error that a client gets for a part of its request that does not pass. `length` is that of the text it was read from. */
export function refusal(part: Part, check: Check, value: unknown, length = 0): MatrixError {
  // To find out why costs far more than to find out that.
  if (length > MAX_EXPLAINED) return badJson('The body is not as the specification says; it is too long to say where')
  const { missing, place, reason } = check.failure(value)
  if (missing !== undefined) return missingParam(`Missing ${part === 'body' ? 'key' : 'parameter'} '${missing}'`)
  const why = `${place === '' ? 'The body' : `'${place.slice(1)}'`} ${reason}`
  return part === 'body' ? badJson(why) : invalidParam(why)
}
