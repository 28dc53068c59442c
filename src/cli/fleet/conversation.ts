import { type JsonObject, objectAt } from '../../../schemas/json.ts'
import { eventSight, Follower, joinSight, replySight } from './follower.ts'
import { type FleetUser, textAt } from './user.ts'

const ROOM_NAME = 'The fleet'
const ROOM_ALIAS = 'fleet'
const QUESTION = '!ping'

export interface Delivery {
  /** Names of servers. */
  readonly from: string
  readonly to: string
  /** From before the request that sends until after the answer to a sync that shows it. */
  readonly ms: number
}

export interface Conversation {
  readonly roomId: string
  readonly deliveries: readonly Delivery[]
  /** The events that were sent for the measurement alone. */
  readonly measured: ReadonlySet<string>
}

/**
 * Brings everybody into a room of the first user, lets everybody speak and the bot answer, then sends `messages` from each
 * server and measures. Rejects with the first thing that goes wrong.
 */
export async function holdConversation(users: readonly FleetUser[], bot: FleetUser, messages: number): Promise<Conversation> {
  const [host, ...guests] = users
  if (host === undefined) throw new Error('A conversation takes somebody')
  const roomId = await host.createRoom(ROOM_NAME, ROOM_ALIAS)
  const followers = users.map((user) => new Follower(user, roomId))
  const botFollower = new Follower(bot, roomId, (event) => answer(bot, roomId, event))
  const everybody = [...followers, botFollower]
  const talk = async (): Promise<Conversation> => {
    const alias = `#${ROOM_ALIAS}:${host.server.name}`
    for (const user of [...guests, bot]) await user.join(alias)
    // Who has not seen a server join sends it nothing.
    await Promise.all(everybody.flatMap((follower) => everybody.map(({ user }) => follower.seen(joinSight(user.id)))))
    await speak(followers, roomId)
    return { roomId, ...(await measure(followers, roomId, messages)) }
  }
  return Promise.race([talk(), ...everybody.map((follower) => follower.run())])
}

/** Everybody says something that all others hear; then the first user asks the bot and hears the answer. */
async function speak(followers: readonly Follower[], roomId: string): Promise<void> {
  for (const { user } of followers) {
    const eventId = await user.say(roomId, `Hello from ${user.server.name}`)
    await Promise.all(followers.map((follower) => follower.seen(eventSight(eventId))))
  }
  const [asking] = followers
  const question = await asking?.user.say(roomId, QUESTION)
  if (asking !== undefined && question !== undefined) await asking.seen(replySight(question))
}

async function answer(bot: FleetUser, roomId: string, event: JsonObject): Promise<void> {
  if (objectAt(event, 'content')?.['body'] === QUESTION) await bot.say(roomId, 'pong', textAt(event, 'event_id'))
}

async function measure(followers: readonly Follower[], roomId: string, messages: number) {
  const deliveries: Delivery[] = []
  const measured = new Set<string>()
  for (let message = 1; message <= messages; message++) {
    for (const { user } of followers) {
      const sentAt = performance.now()
      const eventId = await user.say(roomId, `Message ${message} of ${messages}`)
      measured.add(eventId)
      const seenAt = await Promise.all(followers.map((follower) => follower.seen(eventSight(eventId))))
      const from = user.server.name
      deliveries.push(
        ...followers.map(({ user: { server } }, i) => ({ from, to: server.name, ms: (seenAt[i] ?? sentAt) - sentAt })),
      )
    }
  }
  return { deliveries, measured }
}
