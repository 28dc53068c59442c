import { at, type Scenario } from '../scenario.ts'

/** The same event for the same tokens again and again: there is no cache of answers here. */
export const syncOneEvent: Scenario = {
  title: 'sync with one event',
  run: async ({ users, measure }) => {
    const people = await users(10)
    const room = await at(people, 0).createRoom()
    for (const user of people.slice(1)) await user.join(room)
    const tokens = await Promise.all(people.map((user) => user.sync()))
    await at(people, 0).send(room)
    return measure({ lanes: people.length, warmUp: 3_000, count: 6_000 }, (_, lane) =>
      at(people, lane).call('GET', `sync?timeout=0&since=${at(tokens, lane)}`),
    )
  },
}
