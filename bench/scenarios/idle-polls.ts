import { setTimeout } from 'node:timers/promises'
import { at, measure, type Scenario } from '../scenario.ts'
import { type BenchUser, registerUser } from '../user.ts'

const USERS = 250
const DEVICES = 60
/** So many connections are opened at a time. */
const LANES = 50
const WARM_UP = 10_000
/** Time for the last polls to reach the server. */
const SETTLE_MS = 500

/** A unit is a poll that waits, on a connection of its own. Both processes need as many open files as there are polls. */
export const idlePolls: Scenario = {
  title: 'an idle long poll of 15,000',
  mark: { kilobytes: 15 },
  run: async (bench) => {
    await using server = await bench.server()
    const people = await Promise.all(Array.from({ length: USERS }, () => registerUser(server.url)))
    const room = await at(people, 0).createRoom()
    for (const user of people.slice(1)) await user.join(room)
    // All are online then, and nobody has presence to hear of.
    await Promise.all(people.map((user) => user.sync()))
    const since = await at(people, 0).sync()
    const polls: Promise<Buffer>[] = []
    const connections: BenchUser[] = []
    // What the server takes for any work at all does not count.
    await measure([server], { lanes: USERS, warmUp: WARM_UP, count: 0 }, (_, lane) =>
      at(people, lane).call('GET', 'account/whoami'),
    )
    const before = server.memory()
    const measured = await measure([server], { lanes: LANES, warmUp: 0, count: USERS * DEVICES }, async (index) => {
      const user = at(people, index).onAnotherConnection()
      await user.call('GET', 'account/whoami')
      connections.push(user)
      polls.push(user.call('GET', `sync?timeout=600000&since=${since}`))
    })
    await setTimeout(SETTLE_MS)
    const kilobytes = (server.memory() - before) / polls.length / 1_000
    await at(people, 0).send(room)
    for (const answer of await Promise.all(polls))
      if (!answer.includes(room)) throw new Error(`A poll was answered without the message: ${answer.toString()}`)
    for (const user of connections) user.close()
    return { ...measured, kilobytes }
  },
}
