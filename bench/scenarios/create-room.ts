import { at, type Scenario } from '../scenario.ts'

export const createRoom: Scenario = {
  title: 'create a room',
  mark: { cpuMs: 1.5 },
  run: async ({ users, measure }) => {
    const people = await users(4)
    return measure({ lanes: 4, warmUp: 200, count: 400 }, (_, lane) => at(people, lane).createRoom())
  },
}
