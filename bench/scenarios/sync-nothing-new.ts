import { at, type Scenario } from '../scenario.ts'

export const syncNothingNew: Scenario = {
  title: 'sync with nothing new',
  mark: { cpuMs: 0.06 },
  run: async ({ users, measure }) => {
    const people = await users(10)
    const room = await at(people, 0).createRoom()
    for (const user of people.slice(1)) await user.join(room)
    const tokens = await Promise.all(people.map((user) => user.sync()))
    return measure({ lanes: people.length, warmUp: 3_000, count: 8_000 }, (_, lane) =>
      at(people, lane).call('GET', `sync?timeout=0&since=${at(tokens, lane)}`),
    )
  },
}
