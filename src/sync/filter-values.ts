/** Reads the members of a filter; each throws where a member has another type than the specification says. */
import { isJsonObject, type JsonObject } from '../../schemas/json.ts'
import { badJson } from '../core/errors.ts'

/** A filter's lists are walked for every event: longer ones are refused. */
const MAX_ENTRIES = 1_000

export function stringsAt(json: JsonObject, key: string): string[] | undefined {
  const value = json[key]
  if (value === undefined) return undefined
  if (!Array.isArray(value) || value.length > MAX_ENTRIES)
    throw badJson(`${key} must be a list of at most ${MAX_ENTRIES} strings`)
  return value.map((entry) => {
    if (typeof entry !== 'string') throw badJson(`${key} must be a list of strings`)
    return entry
  })
}

export function flagAt(json: JsonObject, key: string): boolean | undefined {
  const value = json[key]
  if (value !== undefined && typeof value !== 'boolean') throw badJson(`${key} must be true or false`)
  return value
}

/** The specification wants more than 0, but many clients ask for 0 where they want none of the past, and are understood everywhere. */
export function limitAt(json: JsonObject): number | undefined {
  const value = json['limit']
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw badJson('limit must be a number that is not negative')
  return value
}

/** The object at a key, empty where there is none. */
export function partAt(json: JsonObject, key: string): JsonObject {
  const value = json[key] ?? {}
  if (!isJsonObject(value)) throw badJson(`${key} must be an object`)
  return value
}
