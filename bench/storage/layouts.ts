/** How many bytes an event takes, and how long writing and reading it, in the layouts that were weighed: `node bench/storage/layouts.ts [COUNT]`. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { EventId, RoomId, UserId } from '../../schemas/ids.ts'
import type { Event, Pdu } from '../../src/protocol/event.ts'
import { roomRules } from '../../src/protocol/room-versions.ts'
import { eventIdBytes } from '../../src/storage/event-ids.ts'
import { decodeHead, encodeBody, headOf } from '../../src/storage/event-layout.ts'

const COUNT = Number(process.argv[2] ?? 200_000)
const GROUP = 50
const ROOMS = 100
const rules = roomRules('10')
if (!rules) throw new Error('room version 10 is missing')
const RULES = rules

interface Layout {
  name: string
  schema: string
  insert: string
  row(event: Event, index: number): (string | number | Buffer | Uint8Array)[]
  point: string
  page: string
  /** What a reader does with a row. */
  read(row: Record<string, unknown>): unknown
}

const nids = { event: (id: string) => known.get(id), name: () => 7 }
const known = new Map<string, number>()

const layouts: Layout[] = [
  {
    name: 'JSON text, text ids',
    schema:
      'CREATE TABLE e (event_id TEXT PRIMARY KEY, room_id TEXT, stream INTEGER, type TEXT, sender TEXT, json TEXT); CREATE INDEX e_room ON e (room_id, stream)',
    insert: 'INSERT INTO e VALUES (?, ?, ?, ?, ?, ?)',
    row: (event, index) => [event.eventId, event.roomId, index, event.type, event.sender, JSON.stringify(event.pdu)],
    point: 'SELECT * FROM e WHERE event_id = ?',
    page: 'SELECT * FROM e WHERE room_id = ? AND stream < ? ORDER BY stream DESC LIMIT 50',
    read: ({ json }) => JSON.parse(String(json)),
  },
  {
    name: 'JSON text, integer ids',
    schema:
      'CREATE TABLE e (stream INTEGER PRIMARY KEY, event_id BLOB UNIQUE, room INTEGER, type INTEGER, sender INTEGER, json TEXT); CREATE INDEX e_room ON e (room)',
    insert: 'INSERT INTO e (event_id, room, stream, type, sender, json) VALUES (?, ?, ?, ?, ?, ?)',
    row: (event, index) => [eventIdBytes(event.eventId), roomOf(event), index, 1, 2, JSON.stringify(event.pdu)],
    point: 'SELECT * FROM e WHERE event_id = ?',
    page: 'SELECT * FROM e WHERE room = ? AND stream < ? ORDER BY stream DESC LIMIT 50',
    read: ({ json }) => JSON.parse(String(json)),
  },
  {
    name: 'ours: integer ids, binary body',
    schema: `CREATE TABLE e (stream INTEGER PRIMARY KEY, event_id BLOB UNIQUE, room INTEGER, kind INTEGER, sender INTEGER, standing INTEGER, state_before INTEGER, body BLOB);
       CREATE TABLE timeline (room INTEGER, position INTEGER, event INTEGER, PRIMARY KEY (room, position)) WITHOUT ROWID;
       CREATE TRIGGER t AFTER INSERT ON e BEGIN INSERT INTO timeline VALUES (new.room, new.stream, new.stream); END`,
    insert:
      'INSERT INTO e (event_id, room, stream, kind, sender, standing, state_before, body) VALUES (?, ?, ?, ?, ?, 0, 9000, ?)',
    row: (event, index) => [eventIdBytes(event.eventId), roomOf(event), index, 1, 2, encodeBody(event, headOf(event), nids)],
    point: 'SELECT * FROM e WHERE event_id = ?',
    page: 'SELECT e.* FROM timeline t JOIN e ON e.stream = t.event WHERE t.room = ? AND t.position < ? ORDER BY t.position DESC LIMIT 50',
    read: ({ body }) => decodeHead(body as Buffer),
  },
]

const roomOf = (event: Event): number => Number(/\d+/.exec(event.roomId)?.[0])
const id = () => `$${randomBytes(32).toString('base64url')}` as EventId

function* events(): Generator<Event> {
  const auth = Array.from({ length: 3 }, id)
  auth.forEach((eventId, i) => known.set(eventId, i + 1))
  let prev = id()
  for (let i = 0; i < COUNT; i++) {
    const eventId = id()
    known.clear()
    auth.forEach((authId, at) => known.set(authId, at + 1))
    known.set(prev, i + 10)
    const roomId = `!room${i % ROOMS}:bench.example` as RoomId
    const sender = `@user${i % 37}:bench.example` as UserId
    const content = { msgtype: 'm.text', body: `Message ${i} of an ordinary length, as people write them every day.` }
    const pdu: Pdu = {
      auth_events: auth,
      content,
      depth: i,
      hashes: { sha256: randomBytes(32).toString('base64').slice(0, 43) },
      origin_server_ts: 1_790_000_000_000 + i,
      prev_events: [prev],
      room_id: roomId,
      sender,
      signatures: { 'bench.example': { 'ed25519:a_key': randomBytes(64).toString('base64').slice(0, 86) } },
      type: 'm.room.message',
    }
    const [originServerTs, depth] = [1_790_000_000_000 + i, i]
    yield {
      eventId,
      roomId,
      type: 'm.room.message',
      stateKey: undefined,
      sender,
      content,
      originServerTs,
      depth,
      prevEvents: [prev],
      authEvents: auth,
      redacts: undefined,
      rules: RULES,
      pdu,
    }
    prev = eventId
  }
}

function measure(layout: Layout) {
  const folder = mkdtempSync(join(tmpdir(), 'causeway-layout-'))
  const path = join(folder, 'layout.db')
  const db = new Sqlite(path)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec(layout.schema)
  const insert = db.prepare(layout.insert)
  const write = db.transaction((rows: ReturnType<Layout['row']>[]) => rows.forEach((row) => insert.run(...row)))
  const keys: (string | number | Buffer | Uint8Array)[] = []
  const rooms: (string | number | Buffer | Uint8Array)[] = []
  let writing = 0
  let jsonBytes = 0
  let group: ReturnType<Layout['row']>[] = []
  let index = 0
  for (const event of events()) {
    if (index % 1000 === 0) jsonBytes += JSON.stringify(event.pdu).length
    const started = performance.now()
    group.push(layout.row(event, ++index))
    if (group.length === GROUP) {
      write(group)
      group = []
    }
    writing += performance.now() - started
    if (index % 100 === 0) keys.push(layout.row(event, index)[0] ?? '')
    if (index <= ROOMS) rooms.push(layout.row(event, index)[1] ?? '')
  }
  const point = db.prepare(layout.point)
  const page = db.prepare(layout.page)
  const pointMicros = each(keys, (key) => layout.read(point.get(key) as Record<string, unknown>))
  const pageMicros = each(rooms, (room) => (page.all(room, COUNT) as Record<string, unknown>[]).map((row) => layout.read(row)))
  db.pragma('wal_checkpoint(TRUNCATE)')
  const bytes = statSync(path).size / COUNT
  db.close()
  rmSync(folder, { recursive: true })
  return {
    layout: layout.name,
    'JSON bytes': Math.round(jsonBytes / Math.ceil(COUNT / 1000)),
    'bytes/event': Math.round(bytes),
    'write µs': Number(((writing * 1000) / COUNT).toFixed(1)),
    'point read µs': pointMicros,
    'page of 50 µs': pageMicros,
  }
}

function each<T>(items: readonly T[], run: (item: T) => unknown): number {
  const started = performance.now()
  for (const item of items) run(item)
  return Number((((performance.now() - started) * 1000) / items.length).toFixed(1))
}

// oxlint-disable-next-line no-console
console.table(layouts.map(measure))
