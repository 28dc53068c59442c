/** Fills the database of a server that is not running: what would take many minutes through its doors. */
import type { ServerName, UserId } from '../schemas/ids.ts'
import type { RoomCore } from '../src/app/rooms.ts'
import { Replica } from '../test/support/replica.ts'
import type { Room } from '../src/storage/rooms.ts'

/** Makes public rooms in the database `file` of the server `name`, each with all of these members, the first of whom creates it. */
export async function fillRooms(file: string, name: ServerName, members: readonly UserId[], count: number): Promise<void> {
  await using replica = new Replica(name, undefined, undefined, { file })
  const [creator, ...others] = members
  if (creator === undefined) throw new Error('A room has a creator')
  for (let n = 0; n < count; n++) {
    const { roomId } = await replica.create('11', creator, [
      { type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } },
    ])
    await joinAll(replica.core, await replica.room(roomId), others)
  }
}

async function joinAll({ heads, sender }: RoomCore, room: Room, users: readonly UserId[]): Promise<void> {
  const writes: Promise<void>[] = []
  await heads.locked(room.roomId, async () => {
    for (const userId of users) {
      const content = { membership: 'join' }
      writes.push((await sender.queue(room, { sender: userId, type: 'm.room.member', stateKey: userId, content })).written)
    }
  })
  await Promise.all(writes)
}
