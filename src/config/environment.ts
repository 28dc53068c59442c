/** Environment variables laid over what the file says: `CAUSEWAY_DATABASE__PATH` is `database.path`. */
import { type TSchema, Type } from 'typebox'
import { parse } from 'yaml'
import { closest } from '../core/closest.ts'
import { isGroup, type Path, type Problem, type Values, type Written } from './document.ts'
import { infoOf } from './keys.ts'
import { keysOf } from './schema.ts'

const PREFIX = 'CAUSEWAY_'
export type Environment = Readonly<Record<string, string | undefined>>

/** The variable that overrides a key. */
export function variableOf(path: Path): string {
  return PREFIX + path.join('__').toUpperCase()
}

/** A copy of what was written with the variables over it. Lists and groups are given as JSON or YAML. */
export function withEnvironment(written: Written, env: Environment, problems: Problem[]): Written {
  const values = structuredClone(written.values)
  const overridden = new Set<string>()
  // Sorted, so that a group comes before the keys in it.
  for (const [variable, text] of Object.entries(env).toSorted()) {
    if (!variable.startsWith(PREFIX) || text === undefined) continue
    const path = variable.slice(PREFIX.length).toLowerCase().split('__')
    const schema = schemaAt(path)
    if (schema === undefined) problems.push({ where: place(variable), message: unknownVariable(variable) })
    else if (put(values, path, valueOf(schema, text, variable, problems))) overridden.add(variableOf(path))
  }
  return {
    values,
    where(path) {
      const variable = path.map((_, index) => variableOf(path.slice(0, index + 1))).find((name) => overridden.has(name))
      return variable === undefined ? written.where(path) : place(variable)
    },
  }
}

function schemaAt(path: readonly string[]): TSchema | undefined {
  const wanted = variableOf(path)
  return keysOf().find((key) => variableOf(key.path) === wanted)?.schema
}

function unknownVariable(variable: string): string {
  const variables = [...keysOf()].map((key) => variableOf(key.path))
  const near = closest(variable, variables)
  return near === undefined ? 'no such setting' : `no such setting; did you mean ${near}?`
}

function valueOf(schema: TSchema, text: string, variable: string, problems: Problem[]): unknown {
  if (Type.IsString(schema) || Type.IsEnum(schema)) return text
  try {
    return parse(text)
  } catch {
    problems.push({ where: place(variable), message: `expected ${infoOf(schema).expected}, written as JSON or YAML` })
    return undefined
  }
}

const place = (variable: string): string => `environment variable ${variable}`

/** False where the file has something else than a group on the way: that is reported as the file's mistake. */
function put(values: Values, path: readonly string[], value: unknown): boolean {
  const [name, ...rest] = path
  if (name === undefined) return false
  if (rest.length === 0) {
    values[name] = value
    return true
  }
  values[name] ??= {}
  const next = values[name]
  return isGroup(next) && put(next, rest, value)
}
