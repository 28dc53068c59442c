import { at, type Scenario } from '../scenario.ts'

const ROOMS = 300
const MEMBERS = 300
const FILTER = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } } }))

/** Run by its name only: before the first sync there are 90,000 joins. */
export const firstSyncLarge: Scenario = {
  title: 'first sync, 300 rooms x 300 members, lazy',
  mark: { cpuMs: 150 },
  run: async ({ users, measure }) => {
    const people = await users(MEMBERS)
    const alice = at(people, 0)
    const rooms: string[] = []
    for (let i = 0; i < ROOMS; i++) rooms.push(await alice.createRoom())
    await Promise.all(
      people.slice(1).map(async (user) => {
        for (const room of rooms) await user.join(room)
      }),
    )
    return measure({ lanes: 1, warmUp: 5, count: 20 }, () => alice.call('GET', `sync?timeout=0&filter=${FILTER}`))
  },
}
