import { at, type Scenario } from '../scenario.ts'

export const sendRoom: Scenario = {
  title: 'send, 50 users in one room',
  mark: { cpuMs: 0.25, perSecond: 3_000 },
  run: async ({ users, measure }) => {
    const people = await users(50)
    const room = await at(people, 0).createRoom()
    for (const user of people.slice(1)) await user.join(room)
    return measure({ lanes: 50, warmUp: 5_000, count: 20_000 }, (_, lane) => at(people, lane).send(room))
  },
}
