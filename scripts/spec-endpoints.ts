/** What the specification asks for, what schemas/ declares, and what the sources serve. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Endpoint } from '../schemas/endpoint.ts'

const ROOT = join(import.meta.dirname, '..')

/** One endpoint of the specification: a row of test/conformance/endpoints.tsv, with the path written as in schemas/. */
export interface SpecEndpoint {
  readonly api: 'client-server' | 'server-server'
  readonly method: string
  readonly path: string
  readonly deprecated: boolean
  /** Of the OpenAPI data, such as `room_send.yaml`. */
  readonly file: string
  readonly operation: string
}

export interface Declaration {
  /** Such as `schemas/client/room-send.ts`. */
  readonly file: string
  readonly name: string
  readonly endpoint: Endpoint
}

/** `PUT /_matrix/…/:roomId`: what declarations, routes and lists are compared by. */
export const nameOf = ({ method, path }: { readonly method: string; readonly path: string }): string => `${method} ${path}`

/** The endpoints that a homeserver serves. (The specification's data tells two that share a path apart by a space at its end.) */
export function specEndpoints(): SpecEndpoint[] {
  const lines = readFileSync(join(ROOT, 'test/conformance/endpoints.tsv'), 'utf8').split('\n')
  return lines.flatMap((line): SpecEndpoint[] => {
    const [api, method = '', path = '', , deprecated, , , file = '', operation = ''] = line.split('\t')
    if (api !== 'client-server' && api !== 'server-server') return []
    const ours = path.trim().replaceAll(/\{(\w+)\}/g, ':$1')
    return [{ api, method, path: ours, deprecated: deprecated === 'deprecated', file, operation }]
  })
}

/** Everything that schemas/client and schemas/server declare, by file and export. */
export async function declarations(): Promise<Declaration[]> {
  const files = globSync('schemas/{client,server}/*.ts', { cwd: ROOT }).filter((file) => !file.endsWith('/index.ts'))
  const found: Declaration[] = []
  for (const file of files.sort()) {
    const exported: Record<string, unknown> = await import(join(ROOT, file))
    for (const [name, value] of Object.entries(exported)) if (isEndpoint(value)) found.push({ file, name, endpoint: value })
  }
  return found
}

const isEndpoint = (value: unknown): value is Endpoint => typeof value === 'object' && value !== null && 'alsoAt' in value

/** Where each declaration is served: `file name` of the declaration to the file that calls `route` with it. */
export function servedIn(): Map<string, string> {
  const served = new Map<string, string>()
  for (const file of globSync('src/{client-api,federation,admin}/**/*.ts', { cwd: ROOT }).sort()) {
    const source = readFileSync(join(ROOT, file), 'utf8')
    for (const { from, name, local } of declarationsImported(source)) {
      if (new RegExp(`\\broute\\(\\s*${local}\\b`).test(source)) served.set(`${from} ${name}`, file)
    }
  }
  return served
}

const IMPORT = /import\s*(?:type\s*)?\{([^}]*)\}\s*from\s*'(?:\.\.\/)+(schemas\/(?:client|server)\/[\w-]+\.ts)'/g

function declarationsImported(source: string): { from: string; name: string; local: string }[] {
  return [...source.matchAll(IMPORT)].flatMap(([, names = '', from = '']) =>
    names.split(',').flatMap((item) => {
      const [name, local = name] = item.trim().split(/\s+as\s+/)
      return name === undefined || local === undefined || name === '' ? [] : [{ from, name, local }]
    }),
  )
}
