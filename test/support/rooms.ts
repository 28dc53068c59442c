/** Looks into the rooms of a test's server past its API. */
import assert from 'node:assert/strict'
import type { RoomId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import type { StoredEvent } from '../../src/storage/stored-event.ts'
import type { roomServer } from './room-server.ts'

type Server = Awaited<ReturnType<typeof roomServer>>

export async function roomOf({ storage }: Server, roomId: string) {
  const room = await storage.rooms.find(roomId as RoomId)
  assert.ok(room, `there is no room ${roomId}`)
  return room
}

/** All events of a room's timeline, in order. */
export async function timelineOf(server: Server, roomId: string): Promise<StoredEvent[]> {
  const room = await roomOf(server, roomId)
  const { timelines, events, db } = server.storage
  const entries = await timelines.forwards(room.nid, Number.MIN_SAFE_INTEGER, db.position, 10_000)
  return [...(await events.byNids(entries.map(({ nid }) => nid))).values()]
}

/** The content of a piece of a room's current state; `{}` where there is none. */
export async function stateOf(server: Server, roomId: string, type: string, stateKey = ''): Promise<JsonObject> {
  const { stateRoot } = await server.core.heads.get(await roomOf(server, roomId))
  return server.core.states.content(stateRoot, type, stateKey)
}
