import { at, type Scenario } from '../scenario.ts'

export const join: Scenario = {
  title: 'join, public room, 80th to 200th member',
  mark: { cpuMs: 0.6 },
  run: async ({ users, measure }) => {
    const people = await users(201)
    const room = await at(people, 0).createRoom()
    return measure({ lanes: 4, warmUp: 79, count: 121 }, (index) => at(people, index + 1).join(room))
  },
}
