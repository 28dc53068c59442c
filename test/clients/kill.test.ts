import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Preset } from 'matrix-js-sdk'
import { startBot } from './bot.ts'
import { JsClient } from './js-client.ts'
import { account, twoServers } from './servers.ts'

const MESSAGES = 30
/** The servers die when each client has so many acknowledgements. */
const BEFORE_DEATH = 10

test('both servers die in the middle of a conversation: nothing acknowledged is missing, nothing is there twice', {
  timeout: 110_000,
}, async () => {
  await using servers = await twoServers()
  using alice = await JsClient.logIn(await account(servers.one, 'alice'))
  using bob = await JsClient.logIn(await account(servers.two, 'bob'))
  using bot = await startBot(await account(servers.two, 'bot'))
  const botId = await bot.getUserId()
  const { room_id: roomId } = await alice.sdk.createRoom({ preset: Preset.PrivateChat, invite: [bob.userId, botId] })
  await bob.membership(roomId, 'invite')
  await bob.sdk.joinRoom(roomId)
  for (const userId of [bob.userId, botId])
    await alice.until(() => (alice.sdk.getRoom(roomId)?.getMember(userId)?.membership === 'join' ? true : undefined))

  const enough = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const restarted = Promise.withResolvers<void>()
  const talk = async (client: JsClient, lane: number): Promise<string[]> => {
    const eventIds: string[] = []
    for (let i = 0; i < MESSAGES; i++) {
      if (i === BEFORE_DEATH) enough[lane]?.resolve()
      eventIds.push(
        await client.say(roomId, `${client.userId} ${i}`).catch(() => restarted.promise.then(() => client.sayAgain(roomId))),
      )
    }
    return eventIds
  }
  const talks = Promise.all([talk(alice, 0), talk(bob, 1)])
  await Promise.race([Promise.all(enough.map(({ promise }) => promise)), talks])
  const both = [servers.one.process, servers.two.process]
  await Promise.all(both.map((server) => server.end('SIGKILL')))
  await Promise.all(both.map((server) => server.start()))
  for (const { sdk } of [alice, bob]) sdk.retryImmediately()
  restarted.resolve()
  const acknowledged = (await talks).flat()

  for (const client of [alice, bob]) {
    // What came together after the restart may have been too much for one answer.
    for (const eventId of acknowledged) await client.eventFurtherUp(roomId, eventId)
    const { chunk } = await client.sdk.createMessagesRequest(roomId, null, 1000, 'b' as never)
    const sent = chunk.filter(({ type }) => type === 'm.room.message').map(({ event_id }) => event_id)
    assert.deepEqual(sent.sort(), acknowledged.toSorted())
    const expected = [alice, bob].flatMap(({ userId }) => Array.from({ length: MESSAGES }, (_, i) => `${userId} ${i}`))
    assert.deepEqual(client.texts(roomId).sort(), expected.sort())
  }

  const question = await alice.say(roomId, '!ping')
  const events = () => alice.sdk.getRoom(roomId)?.getLiveTimeline().getEvents()
  assert.equal((await alice.until(() => events()?.find((event) => event.replyEventId === question))).getSender(), botId)
})
