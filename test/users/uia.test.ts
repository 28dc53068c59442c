import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DeviceId, UserId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { forbidden, MatrixError } from '../../src/core/errors.ts'
import { UiaSessions } from '../../src/storage/uia-sessions.ts'
import { type Grant, type Operation, type Stage, UserInteractiveAuth } from '../../src/users/uia.ts'
import { temporaryDatabase } from '../support/accounts.ts'
import { FakeClock } from '../support/clock.ts'

const FLOWS = [
  ['first', 'second'],
  ['first', 'third'],
]
const OPERATION: Operation = { id: 'open the door', flows: FLOWS }
const ALICE = {
  userId: '@alice:example.org' as UserId,
  deviceId: 'PHONE' as DeviceId,
  userNid: 1,
  deviceNid: 1,
  isGuest: false,
  isAdmin: false,
}

/** A stage that is passed by whoever says its word. */
const word = (said: string): Stage => ({
  check: async (auth) =>
    auth.word === said ? { passed: true, result: said } : { passed: false, reason: forbidden(`Not ${said}`) },
})

const done = async (): Promise<string> => 'done'

async function setUp() {
  const file = await temporaryDatabase()
  const clock = new FakeClock()
  const start = () =>
    new UserInteractiveAuth({
      db: file.db,
      sessions: new UiaSessions(file.db),
      clock,
      stages: { first: word('one'), second: word('two'), third: { ...word('three'), params: { hint: 3 } }, extra: word('extra') },
      ownerFlows: async () => [['first']],
    })
  let uia = start()
  const attempt = async (auth?: JsonObject, operation = OPERATION, task: (grant: Grant) => Promise<unknown> = done) =>
    uia.perform(operation, auth, task).catch(answerOf)
  return {
    clock,
    db: file.db,
    attempt,
    /** The session of a first request without `auth`. */
    begin: async (operation = OPERATION) => String((await refused(attempt(undefined, operation))).session),
    asOwner: (what: string, body: JsonObject) => uia.performAsOwner(ALICE, what, body, done).catch(answerOf),
    restart: () => {
      uia = start()
    },
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  }
}

function answerOf(cause: unknown): JsonObject {
  assert.ok(cause instanceof MatrixError, String(cause))
  return { status: cause.status, ...cause.toJSON() }
}

const asking = (parameters: JsonObject): Operation => ({ id: 'short', flows: [['first']], parameters })

async function refused(attempt: Promise<unknown>): Promise<JsonObject> {
  const answer = await attempt
  assert.ok(typeof answer === 'object' && answer !== null, String(answer))
  return answer as JsonObject
}

describe('user-interactive authentication', () => {
  test('tells what it asks for, without an error', async () => {
    await using hs = await setUp()
    const { session, ...rest } = await refused(hs.attempt())
    assert.match(String(session), /^[\w-]{43}$/)
    assert.deepEqual(rest, {
      status: 401,
      flows: [{ stages: ['first', 'second'] }, { stages: ['first', 'third'] }],
      params: { third: { hint: 3 } },
      completed: [],
    })
  })

  test('goes stage by stage, also over a restart', async () => {
    await using hs = await setUp()
    const session = await hs.begin()
    const after = await refused(hs.attempt({ session, type: 'first', word: 'one' }))
    assert.deepEqual([after.status, after.completed, after.errcode, after.session], [401, ['first'], undefined, session])
    hs.restart()
    assert.equal(await hs.attempt({ session, type: 'third', word: 'three' }), 'done')
  })

  test('says why a stage was not passed, and lets the client try again', async () => {
    await using hs = await setUp()
    const { session } = await refused(hs.attempt({ type: 'first', word: 'uno' }))
    const again = await refused(hs.attempt({ session: session ?? '', type: 'first', word: 'eins' }))
    assert.deepEqual([again.status, again.errcode, again.error, again.completed], [401, 'M_FORBIDDEN', 'Not one', []])
    assert.deepEqual((await refused(hs.attempt({ session: session ?? '', type: 'first', word: 'one' }))).completed, ['first'])
  })

  test('does not ask again for what is done', async () => {
    await using hs = await setUp()
    const session = await hs.begin()
    await hs.attempt({ session, type: 'first', word: 'one' })
    const again = await refused(hs.attempt({ session, type: 'first', word: 'wrong' }))
    assert.deepEqual([again.completed, again.errcode], [['first'], undefined])
  })

  test('keeps to the order of a flow', async () => {
    await using hs = await setUp()
    const early = await refused(hs.attempt({ type: 'second', word: 'two' }))
    assert.deepEqual([early.status, early.errcode, early.completed], [401, 'M_FORBIDDEN', []])
  })

  test('checks a stage that no flow needs, but refuses one that there is not', async () => {
    await using hs = await setUp()
    assert.deepEqual((await refused(hs.attempt({ type: 'extra', word: 'extra' }))).completed, ['extra'])
    assert.equal((await refused(hs.attempt({ type: 'toString' }))).errcode, 'M_FORBIDDEN')
  })

  test('of another operation cannot be used', async () => {
    await using hs = await setUp()
    const session = await hs.begin()
    const moved = await refused(hs.attempt({ session, type: 'first', word: 'one' }, { ...OPERATION, id: 'open the safe' }))
    assert.deepEqual([moved.status, moved.errcode], [403, 'M_FORBIDDEN'])
  })

  test('ends with the operation, and with its time', async () => {
    await using hs = await setUp()
    const short: Operation = { id: 'short', flows: [['first']] }
    const session = await hs.begin(short)
    assert.equal(await hs.attempt({ session, type: 'first', word: 'one' }, short), 'done')
    assert.deepEqual((await refused(hs.attempt({ session }, short))).completed, [])
    const late = await hs.begin()
    await hs.attempt({ session: late, type: 'first', word: 'one' })
    hs.clock.later(60 * 60_000)
    assert.deepEqual((await refused(hs.attempt({ session: late }))).completed, [])
    assert.deepEqual(await hs.db.all('SELECT count(*) AS n FROM uia_sessions'), [{ n: 1 }])
  })

  test('keeps what was passed when the operation fails', async () => {
    await using hs = await setUp()
    const short: Operation = { id: 'short', flows: [['first']] }
    const session = await hs.begin(short)
    const failing = await refused(
      hs.attempt({ session, type: 'first', word: 'one' }, short, () => Promise.reject(forbidden('Taken'))),
    )
    assert.equal(failing.error, 'Taken')
    assert.equal(await hs.attempt({ session }, short), 'done')
  })

  test('runs the operations of one session one after another, and keeps the outcome', async () => {
    await using hs = await setUp()
    const short: Operation = { id: 'short', flows: [['first']] }
    const session = await hs.begin(short)
    let runs = 0
    const task = async ({ outcome, keep }: Grant) => {
      if (outcome !== undefined) return outcome
      runs++
      await hs.db.write((batch) => keep(batch, `run ${runs}`))
      return `run ${runs}`
    }
    const auth = { session, type: 'first', word: 'one' }
    const outcomes = await Promise.all([1, 2, 3].map(() => hs.attempt(auth, short, task)))
    assert.deepEqual(outcomes, ['run 1', 'run 1', 'run 1'])
  })

  test('adds up the parameters of its requests', async () => {
    await using hs = await setUp()
    const session = await hs.begin(asking({ name: 'a', size: 1 }))
    const grant = await hs.attempt(
      { session, type: 'first', word: 'one' },
      asking({ name: 'b' }),
      async ({ parameters, completed }) => ({
        parameters,
        completed,
      }),
    )
    assert.deepEqual(grant, { parameters: { name: 'b', size: 1 }, completed: { first: 'one' } })
  })

  test('as an owner is bound to the request, in whatever order its keys come', async () => {
    await using hs = await setUp()
    const { session } = await refused(hs.asOwner('delete', { devices: ['A'], force: true }))
    const auth = { session: session ?? '', type: 'first', word: 'one' }
    assert.equal((await refused(hs.asOwner('delete', { devices: ['B'], force: true, auth }))).status, 403)
    assert.equal((await refused(hs.asOwner('rename', { devices: ['A'], force: true, auth }))).status, 403)
    assert.equal(await hs.asOwner('delete', { auth, force: true, devices: ['A'] }), 'done')
  })
})
