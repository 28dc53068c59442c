/** Lists files over 300 lines and functions over 60 in src and schemas. With --strict, exits with 1 where there is one. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { functionSizes } from './source.ts'

const ROOT = join(import.meta.dirname, '..')
const MAX_FILE_LINES = 300
const MAX_FUNCTION_LINES = 60

const over: string[] = []
for (const file of globSync(['src/**/*.ts', 'schemas/**/*.ts', 'cli.ts'], { cwd: ROOT }).sort()) {
  const source = readFileSync(join(ROOT, file), 'utf8')
  const lines = source.trimEnd().split('\n').length
  if (lines > MAX_FILE_LINES) over.push(`${file}: ${lines} lines`)
  for (const { name, line, lines: length } of functionSizes(source)) {
    if (length > MAX_FUNCTION_LINES) over.push(`${file}:${line}: ${name} has ${length} lines`)
  }
}
for (const line of over) process.stdout.write(`${line}\n`)
process.stdout.write(`${over.length} over the budget of ${MAX_FILE_LINES} lines a file and ${MAX_FUNCTION_LINES} a function\n`)
if (over.length > 0 && process.argv.includes('--strict')) process.exitCode = 1
