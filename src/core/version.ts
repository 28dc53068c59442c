import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** What this program calls itself, to people and to other servers. */
export const PROGRAM_NAME = 'Causeway'

/** The version in package.json, above both src and dist/src. */
export function programVersion(): string {
  const file = findPackageJSON(import.meta.url)
  const manifest: unknown = file === undefined ? {} : JSON.parse(readFileSync(file, 'utf8'))
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined
  return typeof version === 'string' ? version : '0.0.0'
}
