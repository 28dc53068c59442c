import { at, type Bench, type Scenario } from '../scenario.ts'
import type { BenchUser } from '../user.ts'

const READERS = 100
const LOAD = { lanes: 1, warmUp: 10_000, count: 2_000 }

/** An operation, and a unit, is one message and its way to all readers. */
export const socketDeliveries: Scenario = {
  title: 'a message and its way to 100 sockets',
  mark: { cpuMs: 1.5 },
  run: async (bench) => {
    const { people, room } = await roomOf(bench)
    return withSockets(bench, people, room)
  },
}

/** The same without the sending, which is measured beforehand, in the same room while nobody reads. */
export const socketWays: Scenario = {
  title: 'the way of a message to 100 sockets alone',
  mark: { cpuMs: 1.5 },
  run: async (bench) => {
    const { people, room } = await roomOf(bench)
    const sent = await bench.measure(LOAD, () => at(people, 0).send(room))
    const delivered = await withSockets(bench, people, room)
    return { ...delivered, cpuMs: delivered.cpuMs - sent.cpuMs }
  },
}

async function roomOf({ users }: Bench): Promise<{ people: BenchUser[]; room: string }> {
  const people = await users(READERS + 1)
  const room = await at(people, 0).createRoom()
  for (const user of people.slice(1)) await user.join(room)
  return { people, room }
}

async function withSockets({ measure }: Bench, people: readonly BenchUser[], room: string) {
  const sockets = await Promise.all(people.slice(1).map((user) => user.socket()))
  const measured = await measure(LOAD, async () => {
    const delivered = sockets.map((socket) => socket.answers(1))
    await at(people, 0).send(room)
    await Promise.all(delivered)
  })
  for (const socket of sockets) socket.close()
  return measured
}
