/** Writes docs/configuration.md from the declarations in src/config/schema.ts. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TSchema, Type } from 'typebox'
import { infoOf } from '../src/config/keys.ts'
import { configSchema } from '../src/config/schema.ts'

export const FILE = join(import.meta.dirname, '../docs/configuration.md')

const INTRODUCTION = `# Configuration

Written by \`npm run docs\` from \`src/config/schema.ts\`; do not edit.

One YAML file holds the settings, \`causeway.yaml\` in the working directory or the one that \`--config FILE\` names. Only
\`server_name\` must be there. Without a file the server is called \`localhost\` and listens on http://localhost:8008 only.

\`\`\`yaml
server_name: example.org
public_base_url: https://matrix.example.org
listeners:
  - port: 8008
trusted_proxies: [127.0.0.1]
\`\`\`

- **Environment variables** go over the file: \`CAUSEWAY_SERVER_NAME\` is \`server_name\`, \`CAUSEWAY_DATABASE__PATH\` is
  \`database.path\`. Lists and maps are given as JSON or YAML.
- **Secrets** can be in files of their own: \`shared_secret_file: /run/secrets/registration\` in place of \`shared_secret\`.
- An unknown key, a wrong value and a repeated key are errors that name the key and the line. \`check-config\` looks for
  them without starting anything, and shows every setting with where it comes from.
- Relative paths start in the working directory. Sizes may be written \`512K\`, \`50M\`, \`2G\`. What ends in \`_ms\` is
  in milliseconds. A setting takes effect when the server starts.
`

/** The whole document. */
export function configurationDocs(): string {
  const entries = Object.entries(configSchema.properties)
  const plain = entries.filter(([, schema]) => !Type.IsObject(schema) && !isListOfGroups(schema))
  const sections = entries.filter(([, schema]) => Type.IsObject(schema) || isListOfGroups(schema))
  const general = `\n## General\n\n${table(plain.flatMap(([name, schema]) => rows(name, schema)))}`
  return `${INTRODUCTION}${general}${sections.map(([name, schema]) => section(name, schema)).join('')}`
}

function section(name: string, schema: TSchema): string {
  const { description, defaultNote } = infoOf(schema)
  const optional = Type.IsOptional(schema) ? ' Switched off where the group is absent.' : ''
  const fallback = defaultNote === undefined ? '' : ` Default: ${defaultNote}.`
  return `\n## ${name}\n\n${description}${optional}${fallback}\n\n${table(inner(name, schema))}`
}

const isListOfGroups = (schema: TSchema): boolean => Type.IsArray(schema) && Type.IsObject(schema.items)

/** Rows for what is in a group, or in each item of a list. */
function inner(name: string, schema: TSchema): string[] {
  if (Type.IsArray(schema)) return inner(`${name}[]`, schema.items)
  if (!Type.IsObject(schema)) return []
  return Object.entries(schema.properties).flatMap(([key, child]) => rows(`${name}.${key}`, child))
}

function rows(name: string, schema: TSchema): string[] {
  const info = infoOf(schema)
  const isGroup = Type.IsObject(schema) || isListOfGroups(schema)
  const own = `| \`${name}\` | ${isGroup ? '' : defaultText(schema)} | ${info.description}${choices(schema)} |`
  return [own, ...inner(name, schema)]
}

function defaultText(schema: TSchema): string {
  const info = infoOf(schema)
  if (info.defaultNote !== undefined) return info.defaultNote
  if (info.default !== undefined) return `\`${typeof info.default === 'string' ? info.default : JSON.stringify(info.default)}\``
  return Type.IsOptional(schema) ? '–' : 'required'
}

function choices(schema: TSchema): string {
  const of = Type.IsArray(schema) ? schema.items : schema
  return Type.IsEnum(of) ? ` One of ${of.enum.map((value) => `\`${value}\``).join(', ')}.` : ''
}

function table(lines: readonly string[]): string {
  return `| key | default | meaning |\n| --- | --- | --- |\n${lines.join('\n')}\n`
}

if (import.meta.main) writeFileSync(FILE, configurationDocs())
