/** Users of servers of their own, in the words of conversations. */
import assert from 'node:assert/strict'
import { testFederation } from './homeserver.ts'
import type { TestUser } from './user.ts'

/** Alice and Bob, each on a server of their own; with a third server, Carol. */
export async function federatedUsers(count = 2) {
  const servers = await testFederation(count)
  const [first, second, third] = servers
  assert.ok(first && second)
  const [alice, bob] = [await first.user('alice'), await second.user('bob')]
  const carol = third && (await third.user('carol'))
  return { servers, first, second, alice, bob, carol, [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose]() }
}

/** Waits until a text message is in the user's sync. */
export function heard(user: TestUser, roomId: string, body: string): Promise<true> {
  return user.syncUntil(({ rooms }) => {
    const found = rooms.join[roomId]?.timeline.events.some(({ content }) => content['body'] === body)
    return found === true ? true : undefined
  })
}
