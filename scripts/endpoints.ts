/** Writes docs/endpoints.md: every endpoint of the specification, where it is declared and what serves it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Declaration, declarations, nameOf, servedIn, specEndpoints, type SpecEndpoint } from './spec-endpoints.ts'

export const FILE = join(import.meta.dirname, '../docs/endpoints.md')

const INTRODUCTION = `# Endpoints

Written by \`npm run docs\` from \`schemas/\`, \`src/\` and the specification's own list; do not edit. An endpoint without a
handler is answered with 404 \`M_UNRECOGNIZED\`.
`

/** The whole document. */
export async function endpointDocs(): Promise<string> {
  const declared = await declarations()
  const served = servedIn()
  const asked = specEndpoints()
  const inSpec = new Set(asked.map(nameOf))
  const beside = declared.filter(({ endpoint }) => !inSpec.has(nameOf(endpoint)))
  const rowsOf = (api: SpecEndpoint['api']) =>
    asked.filter((row) => row.api === api).map((known) => specRow(known, declared, served))
  return [
    INTRODUCTION,
    `## Client-server API\n\n${table(rowsOf('client-server'))}`,
    `## Server-server API\n\n${table(rowsOf('server-server'))}`,
    `## Beside the specification\n\n${table(beside.map((declaration) => tableRow(declaration, served)))}`,
  ].join('\n')
}

function specRow(known: SpecEndpoint, declared: readonly Declaration[], served: ReadonlyMap<string, string>): string {
  const folder = known.api === 'client-server' ? 'schemas/client/' : 'schemas/server/'
  const found = declared.find(({ file, endpoint }) => file.startsWith(folder) && nameOf(endpoint) === nameOf(known))
  return found === undefined
    ? `| \`${nameOf(known)}\` | – | | – |`
    : tableRow(found, served, known.deprecated ? ' (deprecated)' : '')
}

function tableRow({ file, name, endpoint }: Declaration, served: ReadonlyMap<string, string>, note = ''): string {
  const auth = endpoint.guests ? `${endpoint.auth}, guests` : endpoint.auth
  const declaration = `[\`${name}\`](${endpoint.spec})`
  return `| \`${nameOf(endpoint)}\`${note} | ${declaration} | ${auth} | ${served.get(`${file} ${name}`) ?? '–'} |`
}

function table(rows: readonly string[]): string {
  return `| endpoint | declaration | auth | served by |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

if (import.meta.main) writeFileSync(FILE, await endpointDocs())
