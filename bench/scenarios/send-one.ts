import { at, type Scenario } from '../scenario.ts'

export const sendOne: Scenario = {
  title: 'send, one user, one at a time',
  mark: { cpuMs: 0.35 },
  run: async ({ users, measure }) => {
    const alice = at(await users(1), 0)
    const room = await alice.createRoom()
    return measure({ lanes: 1, warmUp: 3_000, count: 3_000 }, () => alice.send(room))
  },
}
