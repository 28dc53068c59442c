/** What happened, as tables for people. */
import { type JsonObject, objectAt, stringAt } from '../../../schemas/json.ts'
import type { Delivery } from './conversation.ts'
import { textAt } from './user.ts'
import { idsOf, type View } from './view.ts'

const GAP = '  '

/**
 * What was said, one line an event, with the event's place in the timeline of each server; `-` where a server does not have it.
 * @param hidden event ids that are left out
 */
export function timelineTable(views: readonly View[], hidden: ReadonlySet<string>): string {
  const places = views.map((view) => new Map(idsOf(view).map((id, index) => [id, String(index + 1)])))
  const events = new Map(views.flatMap((view) => view.events).map((event) => [textAt(event, 'event_id'), event]))
  const rows = [...events].flatMap(([id, event]) => {
    const said = hidden.has(id) ? undefined : wordsFor(event)
    return said === undefined ? [] : [[textAt(event, 'sender'), said, ...places.map((place) => place.get(id) ?? '-')]]
  })
  return table([['', '', ...views.map(({ server }) => server)], ...rows], 2)
}

/** For each pair of servers the shortest, the median and the longest delivery. */
export function deliveryTable(deliveries: readonly Delivery[], servers: readonly string[]): string {
  const rows = servers.map((from) => [
    `from ${from}`,
    ...servers.map((to) => spread(deliveries.filter((delivery) => delivery.from === from && delivery.to === to))),
  ])
  return table([['', ...servers.map((name) => `to ${name}`)], ...rows], 1)
}

/** `3 / 5 / 9`: the shortest, the median and the longest, in milliseconds. */
export function spread(deliveries: readonly Delivery[]): string {
  const times = deliveries.map(({ ms }) => ms).sort((a, b) => a - b)
  const shown = [times[0], times[Math.floor(times.length / 2)], times.at(-1)]
  return shown.map((ms) => (ms === undefined ? '-' : ms.toFixed(1))).join(' / ')
}

function wordsFor(event: JsonObject): string | undefined {
  const content = objectAt(event, 'content') ?? {}
  if (event['type'] === 'm.room.create') return '(makes the room)'
  if (event['type'] === 'm.room.member') return `(${String(content['membership'])})`
  return event['type'] === 'm.room.message' ? stringAt(content, 'body') : undefined
}

/** Rows in columns: the first `textColumns` flush left, the others, numbers, flush right. */
function table(rows: readonly (readonly string[])[], textColumns: number): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i < textColumns ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(GAP)
  return rows.map((row) => `${GAP}${line(row).trimEnd()}\n`).join('')
}
