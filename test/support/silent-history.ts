import type { RemoteHistory } from '../../src/rooms/remote-history.ts'

/** Other servers that give nothing of what they are asked for. */
export const SILENT: RemoteHistory = {
  missingEvents: async () => [],
  stateIds: async () => undefined,
  events: async () => [],
  authChain: async () => undefined,
  backfill: async () => undefined,
}
