import type { ServerName, UserId } from '../../schemas/ids.ts'
import { fillRooms } from '../fill.ts'
import { measure, type Scenario } from '../scenario.ts'
import { registerUser } from '../user.ts'

const SERVER = 'test.example' as ServerName
const ROOMS = 300
const MEMBERS = 300
const FILTER = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } } }))

/** Run by its name only: it takes half a minute to fill the database. */
export const firstSyncLarge: Scenario = {
  title: 'first sync, 300 rooms x 300 members, lazy',
  mark: { cpuMs: 150 },
  run: async (bench) => {
    await using server = await bench.server()
    const registered = await registerUser(server.url)
    await server.end('SIGTERM')
    const others = Array.from({ length: MEMBERS - 1 }, (_, n) => `@member${n}:${SERVER}` as UserId)
    await fillRooms(server.database, SERVER, [...others.slice(0, 1), registered.id, ...others.slice(1)], ROOMS)
    await server.start()
    const alice = registered.at(server.url)
    return await measure([server], { lanes: 1, warmUp: 10, count: 20 }, () =>
      alice.call('GET', `sync?timeout=0&filter=${FILTER}`),
    )
  },
}
