import { at, type Scenario } from '../scenario.ts'

const ROOMS = 2_000

/** The same event for the same token again and again: there is no cache of answers here. */
export const syncManyRooms: Scenario = {
  title: 'sync with one event, a user in 2,000 rooms',
  mark: { cpuMs: 1 },
  run: async ({ users, measure }) => {
    const alice = at(await users(1), 0)
    for (let i = 1; i < ROOMS; i++) await alice.createRoom()
    const last = await alice.createRoom()
    const since = await alice.sync()
    await alice.send(last)
    return measure({ lanes: 1, warmUp: 1_000, count: 1_000 }, () => alice.call('GET', `sync?timeout=0&since=${since}`))
  },
}
