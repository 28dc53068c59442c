import { setTimeout } from 'node:timers/promises'
import { at, measure, type Scenario } from '../scenario.ts'
import { type BenchUser, registerUser } from '../user.ts'

const EVENTS = 300
const LANES = 10
const LOOK_EVERY_MS = 20
const GIVE_UP_AFTER_MS = 20_000

/** An operation is a burst of events of one server, until a user of the other has the last of them; a unit is an event. */
export const federation: Scenario = {
  title: 'an event over federation, bursts of 300',
  mark: { cpuMs: 1 },
  run: async (bench) => {
    await using servers = await bench.federation(2)
    const senders = await Promise.all(Array.from({ length: LANES }, () => registerUser(at(servers, 0).url)))
    const reader = await registerUser(at(servers, 1).url)
    const room = await at(senders, 0).createRoom()
    for (const user of senders.slice(1)) await user.join(room)
    await reader.join(room, '?server_name=hs1.test')
    const before = await countOf(reader, room)
    let bursts = 0
    const measured = await measure(servers, { lanes: 1, warmUp: 4, count: 4, units: EVENTS }, async () => {
      const last = `last of burst ${++bursts}`
      await burst(senders, room, last)
      await arrived(reader, room, last)
    })
    const arrivals = (await countOf(reader, room)) - before
    if (arrivals !== bursts * EVENTS) throw new Error(`${arrivals} events of ${bursts * EVENTS} arrived`)
    return measured
  },
}

/** All senders at a time, but for the last event: the one that tells that all are there. */
async function burst(senders: readonly BenchUser[], room: string, last: string): Promise<void> {
  let left = EVENTS - 1
  const run = async (user: BenchUser) => {
    while (left-- > 0) await user.send(room)
  }
  await Promise.all(senders.map(run))
  await at(senders, 0).send(room, last)
}

async function arrived(reader: BenchUser, room: string, last: string): Promise<void> {
  const deadline = performance.now() + GIVE_UP_AFTER_MS
  while (performance.now() < deadline) {
    const { chunk } = await page(reader, room, 1)
    if (chunk[0]?.content.body === last) return
    await setTimeout(LOOK_EVERY_MS)
  }
  throw new Error(`A burst has not arrived within ${GIVE_UP_AFTER_MS} ms`)
}

async function countOf(reader: BenchUser, room: string): Promise<number> {
  let count = 0
  for (let from: string | undefined = ''; from !== undefined; ) {
    const { chunk, end }: Page = await page(reader, room, 1_000, from)
    count += chunk.filter(({ type }) => type === 'm.room.message').length
    from = end
  }
  return count
}

interface Page {
  readonly chunk: readonly { readonly type: string; readonly content: { readonly body?: string } }[]
  readonly end?: string
}

const page = (reader: BenchUser, room: string, limit: number, from = ''): Promise<Page> =>
  reader.json<Page>('GET', `rooms/${room}/messages?dir=b&limit=${limit}${from === '' ? '' : `&from=${from}`}`)
