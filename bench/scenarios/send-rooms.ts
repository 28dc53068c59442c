import { at, type Scenario } from '../scenario.ts'

export const sendRooms: Scenario = {
  title: 'send, 50 users in 50 rooms',
  mark: { cpuMs: 0.19, perSecond: 5_000 },
  run: async ({ users, measure }) => {
    const people = await users(50)
    const rooms = await Promise.all(people.map((user) => user.createRoom()))
    return measure({ lanes: 50, warmUp: 5_000, count: 20_000 }, (_, lane) => at(people, lane).send(at(rooms, lane)))
  },
}
