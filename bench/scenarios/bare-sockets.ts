import { BareProcess } from '../bare-process.ts'
import { Connection } from '../connection.ts'
import { measure, type Scenario } from '../scenario.ts'
import { BenchSocket } from '../socket.ts'

const READERS = 100

/** What the system takes for as many bytes to as many sockets: no server that tells each of them can take less. */
export const bareSockets: Scenario = {
  title: 'for comparison: the same bytes to 100 sockets',
  run: async () => {
    using bare = await BareProcess.start('bare-sockets.ts')
    const connection = new Connection(bare.url)
    const sockets = await Promise.all(Array.from({ length: READERS }, () => BenchSocket.open(bare.url, '')))
    const measured = await measure([bare], { lanes: 1, warmUp: 2_000, count: 2_000 }, async () => {
      const delivered = sockets.map((socket) => socket.answers(1))
      await connection.request('GET', '/')
      await Promise.all(delivered)
    })
    for (const socket of sockets) socket.close()
    connection.close()
    return measured
  },
}
