import { at, type Scenario } from '../scenario.ts'

export const members: Scenario = {
  title: '/members of a room of 150',
  mark: { cpuMs: 0.3 },
  run: async ({ users, measure }) => {
    const people = await users(150)
    const room = await at(people, 0).createRoom()
    for (const user of people.slice(1)) await user.join(room)
    return measure({ lanes: 2, warmUp: 500, count: 1_000 }, (_, lane) => at(people, lane).call('GET', `rooms/${room}/members`))
  },
}
