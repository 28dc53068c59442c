import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventType, Preset, RelationType } from 'matrix-js-sdk'
import { startBot } from './bot.ts'
import { JsClient } from './js-client.ts'
import { account, twoServers } from './servers.ts'

test('two people and a bot on two servers, with the libraries that clients and bots are made of', {
  timeout: 110_000,
}, async (t) => {
  await using servers = await twoServers()
  using alice = await JsClient.logIn(await account(servers.one, 'alice'))
  using bob = await JsClient.logIn(await account(servers.two, 'bob'))
  using bot = await startBot(await account(servers.two, 'bot'))
  const botId = await bot.getUserId()

  const { room_id: roomId } = await alice.sdk.createRoom({ preset: Preset.PrivateChat, name: 'Over the causeway' })
  const room = async (client: JsClient) => client.until(() => client.sdk.getRoom(roomId) ?? undefined)

  await t.test('an invite crosses over, and the invited joins', async () => {
    await alice.sdk.invite(roomId, bob.userId)
    await bob.membership(roomId, 'invite')
    assert.equal((await room(bob)).name, 'Over the causeway')
    await bob.sdk.joinRoom(roomId)
    await bob.membership(roomId, 'join')
    await alice.until(() => (alice.sdk.getRoom(roomId)?.getMember(bob.userId)?.membership === 'join' ? true : undefined))
  })

  await t.test('messages cross in both directions', async () => {
    const hello = await alice.say(roomId, 'Hello Bob')
    assert.equal((await bob.event(roomId, hello)).getContent()['body'], 'Hello Bob')
    const answer = await bob.say(roomId, 'Hello Alice')
    const event = await alice.event(roomId, answer)
    assert.deepEqual([event.getSender(), event.getContent()['body']], [bob.userId, 'Hello Alice'])
  })

  await t.test('an edit is shown in place of what it edits', async () => {
    const original = await alice.say(roomId, 'See yuo')
    await bob.event(roomId, original)
    await alice.sdk.sendMessage(roomId, {
      msgtype: 'm.text' as never,
      body: '* See you',
      'm.new_content': { msgtype: 'm.text' as never, body: 'See you' },
      'm.relates_to': { rel_type: RelationType.Replace, event_id: original },
    })
    const edited = await bob.until(() => {
      const event = bob.sdk.getRoom(roomId)?.findEventById(original)
      return event?.replacingEvent() ? event : undefined
    })
    assert.equal(edited.getContent()['body'], 'See you')
  })

  await t.test('a reaction is counted, and goes when it is taken back', async () => {
    const message = await alice.say(roomId, 'Good news')
    await bob.event(roomId, message)
    const { event_id: reaction } = await bob.sdk.sendEvent(roomId, EventType.Reaction, {
      'm.relates_to': { rel_type: RelationType.Annotation, event_id: message, key: '👍' },
    })
    const reactions = () =>
      alice.sdk.getRoom(roomId)?.relations.getChildEventsForEvent(message, RelationType.Annotation, EventType.Reaction)
    const [[key, events] = []] = await alice.until(() => {
      const sorted = reactions()?.getSortedAnnotationsByKey()
      return sorted && sorted.length > 0 ? sorted : undefined
    })
    assert.deepEqual([key, [...(events ?? [])].map((event) => event.getSender())], ['👍', [bob.userId]])
    await bob.sdk.redactEvent(roomId, reaction)
    await alice.until(() => (reactions()?.getRelations().length === 0 ? true : undefined))
  })

  await t.test('a redacted message is gone for both', async () => {
    const regretted = await bob.say(roomId, 'I should not have said that')
    await alice.event(roomId, regretted)
    await bob.sdk.redactEvent(roomId, regretted, undefined, { reason: 'Regret' })
    for (const client of [alice, bob]) {
      const event = await client.event(roomId, regretted)
      await client.until(() => (event.isRedacted() ? true : undefined))
      assert.deepEqual(event.getContent(), {})
    }
  })

  await t.test('it is seen what the other has read, and that the other is typing', async () => {
    const message = await alice.say(roomId, 'Have you read this?')
    await bob.sdk.sendReadReceipt(await bob.event(roomId, message))
    await alice.until(() => (alice.sdk.getRoom(roomId)?.hasUserReadEvent(bob.userId, message) ? true : undefined))
    const isTyping = () => alice.sdk.getRoom(roomId)?.getMember(bob.userId)?.typing
    await bob.sdk.sendTyping(roomId, true, 20_000)
    await alice.until(() => (isTyping() === true ? true : undefined))
    await bob.sdk.sendTyping(roomId, false, 0)
    await alice.until(() => (isTyping() === false ? true : undefined))
  })

  await t.test('a bot comes when it is invited, and answers', async () => {
    await alice.sdk.invite(roomId, botId)
    await alice.until(() => (alice.sdk.getRoom(roomId)?.getMember(botId)?.membership === 'join' ? true : undefined))
    const question = await alice.say(roomId, '!ping')
    const pong = await alice.until(() =>
      alice.sdk
        .getRoom(roomId)
        ?.getLiveTimeline()
        .getEvents()
        .find((event) => event.replyEventId === question),
    )
    assert.equal(pong.getSender(), botId)
    assert.match(String(pong.getContent()['body']), /pong$/)
  })

  await t.test('who joined later can read what was said before', async () => {
    const bobs = await room(bob)
    while (bobs.oldState.paginationToken !== null) await bob.sdk.scrollback(bobs)
    const types = bobs
      .getLiveTimeline()
      .getEvents()
      .map((event) => event.getType())
    assert.equal(types[0], 'm.room.create')
  })
})
