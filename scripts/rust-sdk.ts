/**
 * A conversation through real servers by matrix-rust-sdk, the core of Element X: `npm run clients:rust [-- CHAPTER...]`.
 * Needs Rust; the first time, cargo downloads and compiles the SDK, which takes minutes. The program is test/clients/rust-sdk.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { account, type TwoServers, twoServers } from '../test/clients/servers.ts'

const ROOT = resolve(import.meta.dirname, '..')
const MANIFEST = join(ROOT, 'test/clients/rust-sdk/Cargo.toml')
const TARGET = process.env['CARGO_TARGET_DIR'] ?? join(ROOT, 'node_modules/.cache/rust-sdk')
// The SDK asks for a newer Rust than it needs.
const CARGO = ['--quiet', '--locked', '--ignore-rust-version', '--manifest-path', MANIFEST]

const chapters = process.argv.slice(2)
const counts = { passed: 0, failed: 0 }

async function main(): Promise<void> {
  await once(cargo('build', [], 'inherit'), 'exit')
  await using servers = await twoServers({ rtc: { livekit_service_urls: ['https://livekit.example.com/jwt'] } })
  const folder = await mkdtemp(join(tmpdir(), 'causeway-rust-sdk-'))
  await tell(servers, folder)
  printRefused(await readFile(join(folder, 'sdk.log'), 'utf8'))
  for (const { name, process: server } of [servers.one, servers.two]) {
    printTroubles(name, await readFile(server.log, 'utf8'))
    await copyFile(server.log, join(folder, `${name}.log`))
  }
  if (counts.failed === 0) await rm(folder, { recursive: true })
  else process.stdout.write(`What the SDK and the servers logged is in ${folder}\n`)
}

/** Runs the program, and answers what it asks. */
async function tell(servers: TwoServers, folder: string): Promise<void> {
  const authority = join(folder, 'authority.pem')
  await writeFile(authority, servers.authorityPem)
  const program = cargo('run', ['--', authority, folder, ...chapters], 'pipe')
  let isWhole = false
  if (program.stdout === null) throw new Error('The program has no output')
  for await (const line of createInterface(program.stdout)) {
    if (line.startsWith('ask ')) program.stdin?.write(`${JSON.stringify(await answer(servers, line.split(' ').slice(1)))}\n`)
    else if (line === 'told') isWhole = true
    else show(line)
  }
  if (!isWhole) show('not ok: the program broke off')
}

async function answer({ one, two }: TwoServers, [word, ...parameters]: readonly string[]): Promise<unknown> {
  switch (word) {
    case 'account':
      return account(parameters[0] === 'two' ? two : one, String(parameters[1]))
    case 'stop':
      return one.process.end('SIGTERM').then(() => null)
    case 'kill':
      return one.process.end('SIGKILL').then(() => null)
    case 'start':
      return one.process.start().then(() => null)
    default:
      throw new Error(`The program asks for ${word}`)
  }
}

function show(line: string): void {
  if (line.startsWith('ok ')) counts.passed += 1
  if (line.startsWith('not ok')) counts.failed += 1
  process.stdout.write(`${line}\n`)
}

/** What the server refused: to be looked at, as much of it is meant to be. */
function printRefused(sdkLog: string): void {
  const refused = new Map<string, number>()
  for (const line of sdkLog.split('\n')) {
    if (!line.includes('Got response') && !line.includes('Error while sending request')) continue
    const [, path = ''] = /uri="https?:\/\/[^/"]+([^"]*)"/.exec(line) ?? []
    const [, method = ''] = /method=(\w+)/.exec(line) ?? []
    const [, status = ''] = /status=([45]\d\d)/.exec(line) ?? []
    if (status === '') continue
    const request = `${status} ${method} ${path.replaceAll(/\/(?:[!@$#]|%21|%40|%24|%23)[^/]*/g, '/...')}`
    refused.set(request, (refused.get(request) ?? 0) + 1)
  }
  for (const [request, times] of [...refused].sort()) process.stdout.write(`refused, ${times} times: ${request}\n`)
}

/** What the server warned of. */
function printTroubles(name: string, log: string): void {
  const troubles = log.split('\n').filter((line) => /^\{"level":"(?:warn|error|fatal)"/.test(line))
  for (const line of troubles) process.stdout.write(`${name} says: ${line}\n`)
}

const cargo = (command: 'build' | 'run', parameters: readonly string[], io: 'inherit' | 'pipe'): ChildProcess =>
  spawn('cargo', [command, ...CARGO, ...parameters], {
    env: { ...process.env, CARGO_TARGET_DIR: TARGET, RUST_LIB_BACKTRACE: '0' },
    stdio: [io, io, 'inherit'],
  })

await main()
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1
