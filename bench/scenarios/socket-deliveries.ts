import { at, type Scenario } from '../scenario.ts'

const READERS = 100

/** An operation, and a unit, is one message and its way to all readers. */
export const socketDeliveries: Scenario = {
  title: 'a message and its way to 100 sockets',
  mark: { cpuMs: 1.5 },
  run: async ({ users, measure }) => {
    const people = await users(READERS + 1)
    const room = await at(people, 0).createRoom()
    for (const user of people.slice(1)) await user.join(room)
    const sockets = await Promise.all(people.slice(1).map((user) => user.socket()))
    const measured = await measure({ lanes: 1, warmUp: 10_000, count: 2_000 }, async () => {
      const delivered = sockets.map((socket) => socket.answers(1))
      await at(people, 0).send(room)
      await Promise.all(delivered)
    })
    for (const socket of sockets) socket.close()
    return measured
  },
}
