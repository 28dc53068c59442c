import { BareProcess } from '../bare-process.ts'
import { Connection } from '../connection.ts'
import { at, measure, type Scenario } from '../scenario.ts'

const LANES = 10

/** How fast the machine is at this moment: what Node's HTTP server alone takes, about 0.02 ms where nothing else runs. */
export const bareServer: Scenario = {
  title: "for comparison: Node's HTTP server alone",
  run: async () => {
    using bare = await BareProcess.start('bare-server.ts')
    const connections = Array.from({ length: LANES }, () => new Connection(bare.url))
    const measured = await measure([bare], { lanes: LANES, warmUp: 10_000, count: 30_000 }, (_, lane) =>
      at(connections, lane).request('GET', '/'),
    )
    for (const connection of connections) connection.close()
    return measured
  },
}
