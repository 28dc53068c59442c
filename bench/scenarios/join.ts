import { at, type Scenario } from '../scenario.ts'

const MEMBERS = 200
const FIRST_COUNTED = 79
/** All users join so many rooms, of which the last is counted: the code of a join is run by none of the other scenarios. */
const ROOMS = 12

export const join: Scenario = {
  title: 'join, public room, 80th to 200th member',
  mark: { cpuMs: 0.6 },
  run: async ({ users, measure }) => {
    const people = await users(1 + MEMBERS)
    const creator = at(people, 0)
    const rooms: string[] = []
    for (let n = 0; n < ROOMS; n++) rooms.push(await creator.createRoom())
    const all = ROOMS * MEMBERS
    const count = MEMBERS - FIRST_COUNTED
    return measure({ lanes: 4, warmUp: all - count, count }, (index) =>
      at(people, 1 + (index % MEMBERS)).join(at(rooms, Math.floor(index / MEMBERS))),
    )
  },
}
