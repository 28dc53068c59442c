import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StreamIndex } from '../../src/storage/stream-index.ts'
import { Follower } from '../../src/streams/follower.ts'

describe('a follower', () => {
  test('knows the rooms that changed after a position, each once', () => {
    const follower = new Follower(1, 100)
    follower.noteRoom(7, 101)
    follower.noteRoom(8, 102)
    follower.noteRoom(7, 103)
    assert.deepEqual(follower.roomsSince(100), new Set([7, 8]))
    assert.deepEqual(follower.roomsSince(102), new Set([7]))
    assert.deepEqual(follower.roomsSince(103), new Set())
    assert.equal(follower.changedAt, 103)
  })

  test('does not know what was before it began', () => {
    assert.equal(new Follower(1, 100).roomsSince(99), undefined)
  })

  test('forgets what is long past, but never claims to know it', () => {
    const follower = new Follower(1, 0)
    for (let position = 1; position <= 2_000; position++) follower.noteRoom(position % 700, position)
    for (let position = 0; position <= 2_000; position++) {
      const rooms = follower.roomsSince(position)
      if (rooms) assert.equal(rooms.size, Math.min(2_000 - position, 700))
    }
    assert.ok(follower.roomsSince(1_950))
    assert.equal(follower.roomsSince(0), undefined)
  })

  test('keeps the last change of a few rooms for as long as there is nothing else', () => {
    const follower = new Follower(1, 0)
    follower.noteRoom(1, 1)
    for (let position = 2; position <= 10_000; position++) follower.noteRoom(2, position)
    assert.deepEqual(follower.roomsSince(0), new Set([2, 1]))
  })

  test('knows the one room in which something has changed', () => {
    const follower = new Follower(1, 100)
    assert.equal(follower.onlyRoomSince(100), undefined)
    follower.noteRoom(7, 101)
    follower.noteRoom(8, 102)
    follower.noteRoom(8, 103)
    assert.deepEqual(
      [99, 100, 101, 102, 103].map((position) => follower.onlyRoomSince(position)),
      [undefined, undefined, 8, 8, undefined],
    )
  })

  test('never takes a time for quiet of which it has forgotten what happened', () => {
    const follower = new Follower(1, 0)
    const busy = 5_000
    for (let position = 1; position <= busy; position++) {
      follower.noteRoom(1, position)
      for (const after of [position - 1, position - 2, position - 200])
        assert.equal(follower.wasQuiet(Math.max(0, after), position), false)
    }
    for (let position = 1; position < busy; position++) assert.equal(follower.wasQuiet(position - 1, position), false)
    assert.equal(follower.wasQuiet(busy, busy + 10), true)
    assert.equal(follower.wasQuiet(busy - 1, busy - 1), true)
  })

  test('wakes all who wait, and those who gave up are gone', () => {
    const follower = new Follower(1, 0)
    const woken: string[] = []
    const one = (name: string) => ({
      wake() {
        woken.push(name)
        follower.remove(this)
      },
    })
    const gone = one('gone')
    follower.add(gone)
    follower.add(one('there'))
    follower.remove(gone)
    assert.equal(follower.isWaiting, true)
    follower.wake()
    assert.deepEqual(woken, ['there'])
    assert.equal(follower.isWaiting, false)
  })

  test('refuses the request that has waited the longest where there are too many; what is none is no request', () => {
    const follower = new Follower(1, 0, 2)
    const refused: number[] = []
    const request = (n: number) => ({
      wake() {},
      refuse() {
        refused.push(n)
        follower.remove(this)
      },
    })
    follower.add({ wake() {} })
    for (const n of [1, 2, 3, 4]) follower.add(request(n))
    assert.deepEqual(refused, [1, 2])
    const last = request(5)
    follower.add(last)
    follower.remove(last)
    follower.add(request(6))
    assert.deepEqual(refused, [1, 2, 3])
  })
})

describe('a stream index', () => {
  test('tells what has not changed', () => {
    const index = new StreamIndex<string>(10)
    index.set('a', 12)
    assert.deepEqual([index.mayHaveChanged('a', 11), index.mayHaveChanged('a', 12)], [true, false])
    assert.deepEqual([index.mayHaveChanged('b', 9), index.mayHaveChanged('b', 10)], [true, false])
  })

  test('holds what it has forgotten for possible', () => {
    const index = new StreamIndex<string>(0, 2)
    for (const [position, key] of ['a', 'b', 'a', 'c'].entries()) index.set(key, position + 1)
    assert.deepEqual([index.get('b'), index.get('a'), index.get('c')], [2, 3, 4])
    assert.deepEqual([index.covers(1), index.covers(2)], [false, true])
    assert.equal(index.mayHaveChanged('x', 1), true)
  })
})
