import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { cpuMsOf } from '../../test/support/process-usage.ts'
import { Connection } from '../connection.ts'
import { at, measure, type Scenario } from '../scenario.ts'

const LANES = 10

/** How fast the machine is at this moment: what Node's HTTP server alone takes, about 0.02 ms where nothing else runs. */
export const bareServer: Scenario = {
  title: "for comparison: Node's HTTP server alone",
  run: async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../bare-server.ts')])
    const [port] = await once(child.stdout, 'data')
    const pid = child.pid ?? 0
    const connections = Array.from({ length: LANES }, () => new Connection(`http://127.0.0.1:${String(port).trim()}`))
    const measured = await measure([{ cpuMs: () => cpuMsOf(pid) }], { lanes: LANES, warmUp: 10_000, count: 30_000 }, (_, lane) =>
      at(connections, lane).request('GET', '/'),
    )
    for (const connection of connections) connection.close()
    child.kill()
    return measured
  },
}
