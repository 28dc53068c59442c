/**
 * What hostile clients cost everybody else: while an attack goes on, somebody writes messages, and how long each takes is noted,
 * and the memory of the server. `node scripts/hostile.ts [--seconds 8] [--limits] [--only sync]`: with the default rate limits, and
 * only attacks that are called so.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type BenchUser, registerUser } from '../bench/user.ts'
import { ServerProcess } from '../test/support/server-process.ts'
import { sharedSecretRegistration } from '../test/support/shared-secret.ts'
import { ATTACKS, type Target } from './hostile-attacks.ts'

const REGISTER = '/_synapse/admin/v1/register'
/** Fewer than the rate limit on messages. */
const BETWEEN_MESSAGES_MS = 110

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    limits: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})

async function main(): Promise<void> {
  line('while', 'messages', 'p50 ms', 'p99 ms', 'max ms', 'MB before', 'at most', 'after')
  for (const attack of Object.keys(ATTACKS)) if (attack.includes(options.only)) await measure(attack)
}

/** Each attack on a server of its own. */
async function measure(attack: string): Promise<void> {
  await using server = await ServerProcess.start({ config: { rate_limits: { enabled: options.limits } } })
  const [writer, eve] = [await registerUser(server.url), await register(server.url)]
  const roomId = await writer.createRoom()
  for (let n = 0; n < 20; n++) await writer.send(roomId)
  const before = server.memory()
  const worker = new Worker(new URL('hostile-attacks.ts', import.meta.url), { workerData: { ...eve, attack } })
  await sleep(500)
  const { times, peak } = await write(writer, roomId, server)
  await worker.terminate()
  await sleep(1000)
  times.sort((a, b) => a - b)
  const at = (share: number) => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1)
  line(attack, times.length, at(0.5), at(0.99), at(1), ...[before, peak, server.memory()].map((bytes) => Math.round(bytes / 1e6)))
  writer.close()
}

async function write(writer: BenchUser, roomId: string, server: ServerProcess): Promise<{ times: number[]; peak: number }> {
  const times: number[] = []
  let peak = 0
  for (const end = performance.now() + Number(options.seconds) * 1000; performance.now() < end; ) {
    const started = performance.now()
    await writer.send(roomId)
    times.push(performance.now() - started)
    peak = Math.max(peak, server.memory())
    await sleep(BETWEEN_MESSAGES_MS)
  }
  return { times, peak }
}

async function register(url: string): Promise<Omit<Target, 'attack'>> {
  const call = async (body?: object) => {
    const init = body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    return (await (await fetch(url + REGISTER, init)).json()) as Record<string, string>
  }
  const { nonce = '' } = await call()
  const { user_id: userId = '', access_token: token = '' } = await call(sharedSecretRegistration(nonce, 'eve', 'a password'))
  return { url, token, userId }
}

function line(title: string, ...columns: readonly (string | number)[]): void {
  process.stdout.write(`${title.padEnd(34)}${columns.map((column) => String(column).padStart(10)).join('')}\n`)
}

await main()
