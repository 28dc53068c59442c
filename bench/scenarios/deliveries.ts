import { setTimeout } from 'node:timers/promises'
import { at, type Scenario } from '../scenario.ts'
import type { BenchUser } from '../user.ts'

const READERS = 100
/** Time for the polls of all readers to reach the server. */
const SETTLE_MS = 25

/** An operation is one message and its way to all readers. */
export const deliveries: Scenario = {
  title: 'a delivery, one message to 100 long polls',
  mark: { cpuMs: 0.1 },
  run: async ({ users, measure }) => {
    const people = await users(READERS + 1)
    const room = await at(people, 0).createRoom()
    for (const user of people.slice(1)) await user.join(room)
    const readers = await Promise.all(people.slice(1).map(async (user) => ({ user, since: await user.sync() })))
    let polls: Promise<void>[] = []
    return measure(
      {
        lanes: 1,
        warmUp: 600,
        count: 300,
        units: READERS,
        before: async () => {
          polls = readers.map(poll)
          await setTimeout(SETTLE_MS)
        },
      },
      async () => {
        await at(people, 0).send(room)
        await Promise.all(polls)
      },
    )
  },
}

async function poll(reader: { user: BenchUser; since: string }): Promise<void> {
  const sync = await reader.user.json<{ next_batch: string; rooms?: object }>('GET', `sync?timeout=30000&since=${reader.since}`)
  if (sync.rooms === undefined) throw new Error('A poll was answered with nothing new')
  reader.since = sync.next_batch
}
