import { at, type Scenario } from '../scenario.ts'

const ROOMS = 40
const EVENTS = 20
const FILTER = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: EVENTS } } }))

export const firstSync: Scenario = {
  title: 'first sync, 40 rooms x 3 members x 20 events',
  mark: { cpuMs: 20 },
  run: async ({ users, measure }) => {
    const people = await users(3)
    const alice = at(people, 0)
    for (let i = 0; i < ROOMS; i++) {
      const room = await alice.createRoom()
      await Promise.all(people.slice(1).map((user) => user.join(room)))
      for (let sent = 0; sent < EVENTS; sent++) await at(people, sent).send(room)
    }
    return measure({ lanes: 1, warmUp: 20, count: 50 }, () => alice.call('GET', `sync?timeout=0&filter=${FILTER}`))
  },
}
