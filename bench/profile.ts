/** Lists the functions that took the most time themselves, in CPU profiles of `--profile`: `node bench/profile.ts FILE ...`. */
import { readFileSync } from 'node:fs'

const TOP = Number(process.env['TOP'] ?? 15)

interface Profile {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

for (const file of process.argv.slice(2)) {
  const { nodes, samples, timeDeltas }: Profile = JSON.parse(readFileSync(file, 'utf8'))
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const place = url === '' ? '' : ` ${url.replace(/^.*\/(?=(?:dist|node_modules)\/)/, '')}:${lineNumber + 1}`
      return [id, `${functionName || '(anonymous)'}${place}`]
    }),
  )
  const times = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? ''
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1000)
  }
  times.delete('(idle)')
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0)
  process.stdout.write(`${file}: ${Math.round(busy)} ms busy\n`)
  for (const [name, time] of [...times].sort((a, b) => b[1] - a[1]).slice(0, TOP)) {
    process.stdout.write(
      `${((time * 100) / busy).toFixed(1).padStart(5)} % ${Math.round(time).toString().padStart(7)} ms  ${name}\n`,
    )
  }
}
