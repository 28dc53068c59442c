import { type AccountDataEntry, type AccountDataTable, GLOBAL } from '../../storage/account-data.ts'
import type { PushRules } from '../../users/push-rules.ts'
import type { EventFilter } from '../event-filter.ts'
import type { SyncTurn } from '../request.ts'

export interface AccountDataStreamParts {
  accountData: AccountDataTable
  pushRules: PushRules
}

/** The account data of a turn: what has changed, or all of it in an initial sync. */
export interface AccountDataNews {
  /** The global part as the members of a JSON array. */
  readonly global: string
  readonly byRoom: ReadonlyMap<number, readonly AccountDataEntry[]>
}

/** https://spec.matrix.org/v1.19/client-server-api/#client-config */
export async function accountDataNews(
  { accountData, pushRules }: AccountDataStreamParts,
  turn: SyncTurn,
): Promise<AccountDataNews> {
  const { reader, since, upTo, filter } = turn
  const entries =
    since === undefined ? await accountData.ofUser(reader.userNid) : await accountData.since(reader.userNid, since, upTo)
  const byRoom = new Map<number, AccountDataEntry[]>()
  for (const entry of entries) {
    const ofRoom = byRoom.get(entry.roomNid)
    if (ofRoom) ofRoom.push(entry)
    else byRoom.set(entry.roomNid, [entry])
  }
  const global = [accountDataText(byRoom.get(GLOBAL) ?? [], filter.accountData)]
  byRoom.delete(GLOBAL)
  if (
    filter.accountData.passes({ type: 'm.push_rules' }) &&
    (since === undefined || (await pushRules.changedWithin(reader, since, upTo)))
  )
    global.unshift(`{"type":"m.push_rules","content":${JSON.stringify({ global: await pushRules.ruleset(reader) })}}`)
  return { global: global.filter((text) => text !== '').join(','), byRoom }
}

/** Those entries that a filter lets pass, as the members of a JSON array. */
export function accountDataText(entries: readonly AccountDataEntry[], filter: EventFilter): string {
  return entries
    .filter(({ type }) => filter.passes({ type }))
    .map(({ type, content }) => `{"type":${JSON.stringify(type)},"content":${content}}`)
    .join(',')
}
