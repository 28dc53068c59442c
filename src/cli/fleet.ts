import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OperatorError } from '../core/operator-error.ts'
import { randomToken } from '../core/random.ts'
import { type Command, type Terminal, UsageError } from './command.ts'
import { holdConversation } from './fleet/conversation.ts'
import { layOutFleet } from './fleet/layout.ts'
import { deliveryTable, spread, timelineTable } from './fleet/report.ts'
import { ServerProcess } from './fleet/server-process.ts'
import { FleetUser } from './fleet/user.ts'
import { disagreements, idsOf, settledViews, type View } from './fleet/view.ts'
import { stopSignal } from './stop-signal.ts'

/** Each server takes some 150 MB. */
const MAX_SERVERS = 9
const MAX_MESSAGES = 1000
const USERS = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan'] as const
const BOT = 'bot'

interface Fleet {
  readonly servers: readonly ServerProcess[]
  /** One on each server. */
  readonly users: readonly FleetUser[]
  readonly bot: FleetUser
}

/** Several servers on this machine that federate with one another, for a demonstration, a measurement, or to play with. */
export const fleet: Command = {
  summary: 'Start servers on this machine that federate, let their users talk, and measure.',
  options: {
    servers: { value: 'N', help: `How many, 2 to ${MAX_SERVERS}; 3 unless given.` },
    messages: { value: 'N', help: 'How many messages are measured from each server; 10 unless given.' },
    keep: { help: 'Keep the folder with configurations, databases and logs.' },
    stay: { help: 'Leave the servers running until Ctrl-C, for clients to log in.' },
  },
  positionals: [],
  async run({ options }, terminal) {
    const count = numberFrom(options, 'servers', 2, MAX_SERVERS, 3)
    const messages = numberFrom(options, 'messages', 1, MAX_MESSAGES, 10)
    const calls = new AbortController()
    const stopped = stopSignal(terminal).then(() => calls.abort(new OperatorError('Interrupted')))
    await using stack = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'causeway-fleet-'))
    stack.defer(() => (options['keep'] === true ? terminal.err(`Everything is in ${folder}\n`) : rm(folder, { recursive: true })))
    const running = await launch(folder, count, stack, calls.signal)
    stack.defer(() => calls.abort())
    terminal.err(`${running.servers.map(({ files }) => `${files.name} at ${files.url}`).join('\n')}\n\n`)
    const agreed = await demonstrate(running, messages, terminal)
    if (options['stay'] === true) await stay(running, stopped, terminal)
    await Promise.all(running.servers.map((server) => server.stop()))
    return agreed ? 0 : 1
  },
}

/** Servers with a user on each, and a bot on the last. */
async function launch(folder: string, count: number, stack: AsyncDisposableStack, signal: AbortSignal): Promise<Fleet> {
  const secret = randomToken()
  const servers: ServerProcess[] = []
  for (const files of await layOutFleet(folder, count, secret)) servers.push(stack.use(ServerProcess.spawn(files)))
  await Promise.all(servers.map((server) => server.ready(signal)))
  const register = ({ files }: ServerProcess, localpart: string) => FleetUser.register(files, localpart, secret, signal)
  const users = await Promise.all(servers.map((server, i) => register(server, USERS[i] ?? `user${i}`)))
  const last = servers.at(-1)
  if (last === undefined) throw new Error('A fleet has servers')
  return { servers, users, bot: await register(last, BOT) }
}

/** Shows what the servers make of a conversation; true where all of them make the same of it. */
async function demonstrate({ servers, users, bot }: Fleet, messages: number, terminal: Terminal): Promise<boolean> {
  const talk = await Promise.race([holdConversation(users, bot, messages), ...servers.map((server) => server.died())])
  const views = await settledViews(users, talk.roomId)
  const names = servers.map(({ files }) => files.name)
  terminal.out(`What was said, with its place in the timeline of each server:\n\n${timelineTable(views, talk.measured)}\n`)
  terminal.out(`And ${talk.measured.size} messages to measure: from sending to being seen in a sync, in milliseconds,\n`)
  terminal.out(`the shortest / the median / the longest:\n\n${deliveryTable(talk.deliveries, names)}\n`)
  const federated = talk.deliveries.filter(({ from, to }) => from !== to)
  terminal.out(`${federated.length} deliveries to other servers: ${spread(federated)} ms\n`)
  const differences = disagreements(views)
  terminal.out(differences.length === 0 ? agreement(views) : `The servers do not agree: ${differences.join('; ')}.\n`)
  return differences.length === 0
}

function agreement(views: readonly View[]): string {
  const [first, ...others] = views.map((view) => idsOf(view).join())
  const order = others.every((ids) => ids === first) ? 'in the same order' : 'in orders that differ, as they may'
  return `All ${views.length} servers have the same ${views[0]?.events.length} events, ${order}, and the same state of the room.\n`
}

/** Resolves at the signal; rejects where a server ends before. */
async function stay({ servers, users, bot }: Fleet, stopped: Promise<void>, terminal: Terminal): Promise<void> {
  terminal.out('\nLog in at one of these, and say !ping in the room #fleet:hs1.test. Ctrl-C ends it all.\n\n')
  for (const { server, id, password } of [...users, bot]) terminal.out(`  ${server.url}  ${id}  ${password}\n`)
  await Promise.race([stopped, ...servers.map((server) => server.died())])
  terminal.err('Stopping…\n')
}

/** Throws UsageError. */
function numberFrom(options: Readonly<Record<string, string | true>>, name: string, from: number, to: number, otherwise: number) {
  const given = options[name]
  if (given === undefined) return otherwise
  const number = Number(given)
  if (Number.isInteger(number) && number >= from && number <= to) return number
  throw new UsageError(`--${name} takes a number from ${from} to ${to}`)
}
