import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserId } from '../../../schemas/ids.ts'
import { RequiredState, type StateElement } from '../../../src/sync/sliding/required-state.ts'

const ME = '@me:example.org' as UserId
const element = (type?: string, stateKey?: string): StateElement => ({ type, stateKey })
const required = (include: StateElement[], lazyMembers = false, exclude: StateElement[] = []) =>
  RequiredState.of([{ include, exclude, lazyMembers }])

test('the same choices give the same object, and so do their unions', () => {
  const one = required([element('a', '')])
  const other = required([element('b')])
  assert.equal(one, required([element('a', '')]))
  assert.equal(one.and(other), one.and(other))
  assert.equal(one.and(one), one)
})

test('of long choices only so many are kept', () => {
  const long = (n: number) => required([element(`org.example.${n}`, 'x'.repeat(100_000))])
  const [first, short] = [long(0), required([element('a', '')])]
  for (let n = 1; n < 200; n++) {
    long(n)
    assert.equal(required([element('a', '')]), short)
  }
  assert.notEqual(long(0), first)
})

test('wildcards match types and keys, but no members where those come lazily', () => {
  const all = required([element()], true)
  assert.ok(all.matches('any', 'thing', ME))
  assert.ok(!all.matches('m.room.member', ME, ME))
  assert.ok(required([element(), element('m.room.member', '$ME')], true).matches('m.room.member', ME, ME))
  assert.ok(!required([element('m.room.member', '$ME')]).matches('m.room.member', '@you:example.org', ME))
  assert.deepEqual(required([element('m.room.member', '$ME')]).keys(ME), [{ type: 'm.room.member', stateKey: ME }])
})

test('what is excluded by one is not excluded from what another asks for', () => {
  const some = required([element()], false, [element('m.room.create')])
  assert.ok(!some.matches('m.room.create', '', ME))
  assert.ok(some.and(required([element('m.room.create', '')])).matches('m.room.create', '', ME))
})

test('members are lazy together unless somebody asks for all of them', () => {
  const lazy = required([], true)
  assert.ok(lazy.and(required([element('m.room.name', '')])).lazyMembers)
  assert.ok(!lazy.and(required([element('m.room.member')])).lazyMembers)
  assert.ok(lazy.and(required([element()], false, [element('m.room.member')])).lazyMembers)
})

test('a key without a type matches all types, that of members too', () => {
  const both = required([element(undefined, ME)], true)
  assert.deepEqual(
    [both.matches('a', ME, ME), both.matches('m.room.member', ME, ME), both.matches('a', '', ME)],
    [true, true, false],
  )
  assert.deepEqual(both.keys(ME), [{ type: 'm.room.member', stateKey: ME }])
})
