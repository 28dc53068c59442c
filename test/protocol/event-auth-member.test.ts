import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorisingServer } from '../../src/protocol/event-auth/index.ts'
import { makeEvent, Room, rulesOf, userId } from '../support/dag.ts'

/** Alice made the room and has 100, Mod 50, Bob 0; Carol is invited, Dora banned, Kim has knocked where that exists. */
function room(version: string, joinRule = 'invite', levels = ''): Room {
  const alice = version === '12' ? '' : '"@alice:a":100,'
  const basis = new Room(
    version,
    `C: alice creates
     A: alice joins
     P: alice power {"users":{${alice}"@mod:a":50}${levels}}
     O: alice rule public
     M: mod joins
     B: bob joins
     CI: alice invites carol
     D: alice bans dora`,
  )
  if (basis.rules.auth.knocking) basis.add('K1: alice rule knock\n K2: kim knocks')
  basis.add(`J: alice rule ${joinRule} [forced]`)
  return basis
}

function allows(basis: Room, ...lines: string[]): void {
  for (const line of lines) assert.deepEqual(basis.try(line), { allowed: true }, `${line} in version ${basis.rules.version}`)
}

function refuses(basis: Room, rule: string, ...lines: string[]): void {
  for (const line of lines) {
    const verdict = basis.try(line)
    assert.equal(verdict.allowed ? 'allowed' : verdict.rule, rule, `${line} in version ${basis.rules.version}`)
  }
}

const everyVersion = ['1', '6', '7', '8', '10', '11', '12']

test('a member event needs a state key and a membership', () => {
  for (const version of everyVersion) {
    refuses(
      room(version),
      'member-malformed',
      'bob sends m.room.member {"membership":"join"}',
      'bob sets m.room.member @bob:a {}',
    )
    refuses(room(version), 'member-malformed', 'bob sets m.room.member @bob:a {"membership":5}')
    refuses(room(version), 'member-unknown', 'bob sets m.room.member @bob:a {"membership":"odd"}')
  }
})

test('join: the creator comes in first, whatever the join rules', () => {
  for (const version of everyVersion) {
    const empty = new Room(version, 'C: alice creates')
    allows(empty, 'alice joins')
    refuses(empty, 'join-not-invited', 'bob joins')
    empty.add('T: alice joins')
    refuses(empty, 'join-not-invited', 'bob joins [after T]')
    allows(empty, 'alice joins [after T]')
    // Only where the create event is all that comes before.
    refuses(empty, 'join-not-invited', 'bob joins [after C, T]')
  }
})

const named = (version: string) => new Room(version, 'C: alice creates {"creator":"@bob:a"}')

test('join: the creator is who the content says until version 10, and the sender since', () => {
  allows(named('10'), 'bob joins')
  refuses(named('10'), 'join-not-invited', 'alice joins')
  allows(named('11'), 'alice joins')
  refuses(named('11'), 'join-not-invited', 'bob joins')
})

test('join: additional creators do not come in first', () => {
  const empty = new Room('12', 'C: alice creates {"additional_creators":["@bob:a"]}')
  refuses(empty, 'join-not-invited', 'bob joins')
  allows(empty, 'alice joins')
})

test('join: nobody joins for another, and nobody who is banned', () => {
  for (const version of everyVersion) {
    refuses(room(version, 'public'), 'join-for-another', 'alice joins-for eve', 'alice joins-for carol')
    refuses(room(version, 'public'), 'join-banned', 'dora joins')
  }
})

test('join: rule public lets all in, rule invite those who are invited or in', () => {
  for (const version of everyVersion) {
    allows(room(version, 'public'), 'eve joins', 'carol joins', 'bob joins')
    allows(room(version, 'invite'), 'carol joins', 'bob joins')
    refuses(room(version, 'invite'), 'join-not-invited', 'eve joins')
  }
})

test('join: other rules, and those of later versions, let nobody in', () => {
  for (const version of everyVersion) refuses(room(version, 'private'), 'join-rule', 'eve joins', 'carol joins', 'bob joins')
  for (const version of ['1', '6']) refuses(room(version, 'knock'), 'join-rule', 'carol joins')
  for (const version of ['1', '7']) refuses(room(version, 'restricted'), 'join-rule', 'carol joins', 'bob joins')
  for (const version of ['1', '8', '9']) refuses(room(version, 'knock_restricted'), 'join-rule', 'carol joins')
})

test('join: rule knock is as invite since version 7', () => {
  for (const version of ['7', '8', '10', '12']) {
    allows(room(version, 'knock'), 'carol joins', 'bob joins')
    refuses(room(version, 'knock'), 'join-not-invited', 'eve joins', 'kim joins')
  }
})

const authorisedBy = (user: string) => `{"join_authorised_via_users_server":"@${user}:a"}`

test('join: rule restricted since 8, knock_restricted since 10, let in who is invited, in, or authorised', () => {
  for (const [version, rule] of [
    ['8', 'restricted'],
    ['9', 'restricted'],
    ['10', 'restricted'],
    ['10', 'knock_restricted'],
    ['12', 'knock_restricted'],
  ] as const) {
    allows(
      room(version, rule),
      'carol joins',
      'bob joins',
      `eve joins ${authorisedBy('bob')}`,
      `kim joins ${authorisedBy('bob')}`,
    )
    refuses(room(version, rule), 'join-not-authorised', 'eve joins', 'kim joins')
    refuses(room(version, rule), 'join-banned', `dora joins ${authorisedBy('alice')}`)
  }
})

test('join: who authorises must be joined and may invite', () => {
  for (const version of ['8', '12']) {
    const careful = room(version, 'restricted', ',"invite":50')
    allows(careful, `eve joins ${authorisedBy('mod')}`, `eve joins ${authorisedBy('alice')}`)
    refuses(
      careful,
      'join-not-authorised',
      `eve joins ${authorisedBy('bob')}`,
      `eve joins ${authorisedBy('carol')}`,
      `eve joins ${authorisedBy('nobody')}`,
    )
    careful.add('ML: mod leaves')
    refuses(careful, 'join-not-authorised', `eve joins ${authorisedBy('mod')}`)
  }
})

const join = (version: string, content = {}) =>
  makeEvent(rulesOf(version), {
    type: 'm.room.member',
    stateKey: '@eve:a',
    sender: userId('eve'),
    content: { membership: 'join', ...content },
  })

test('since version 8 the authorising user must be a user, and its server must have signed', () => {
  for (const odd of ['5', 'null', '"bob"', '"@bob"', '{}']) {
    refuses(room('8', 'public'), 'member-authoriser-unknown', `eve joins {"join_authorised_via_users_server":${odd}}`)
    allows(room('7', 'public'), `eve joins {"join_authorised_via_users_server":${odd}}`)
  }
  assert.equal(authorisingServer(join('8', { join_authorised_via_users_server: '@host:b:8448' })), 'b:8448')
  assert.equal(authorisingServer(join('7', { join_authorised_via_users_server: '@host:b' })), undefined)
  assert.equal(authorisingServer(join('12')), undefined)
})

test('invite: by a member with the level, of somebody who is neither in nor banned', () => {
  for (const version of everyVersion) {
    allows(room(version), 'bob invites eve', 'alice invites eve', 'bob invites carol')
    refuses(room(version), 'invite-sender-not-joined', 'carol invites eve', 'eve invites frank')
    refuses(room(version), 'invite-joined', 'alice invites bob')
    refuses(room(version), 'invite-banned', 'alice invites dora')
    const careful = room(version, 'invite', ',"invite":50')
    allows(careful, 'mod invites eve')
    refuses(careful, 'invite-power', 'bob invites eve')
  }
})

test('leave: of oneself from inside, or from an invitation', () => {
  for (const version of everyVersion) {
    allows(room(version), 'bob leaves', 'carol leaves', 'alice leaves')
    refuses(room(version), 'leave-not-inside', 'dora leaves', 'eve leaves')
  }
})

test('leave: a knock is taken back since version 7', () => {
  for (const version of ['7', '12']) allows(room(version), 'kim leaves')
  const old = room('6')
  old.add('K: kim knocks [forced]')
  refuses(old, 'leave-not-inside', 'kim leaves')
})

test('kick: by a member with the level, above the target', () => {
  for (const version of everyVersion) {
    allows(room(version), 'mod kicks bob', 'alice kicks mod', 'mod kicks carol', 'mod kicks eve')
    refuses(room(version), 'kick-power', 'bob kicks carol', 'mod kicks alice', 'bob kicks mod')
    refuses(room(version), 'kick-sender-not-joined', 'carol kicks bob', 'eve kicks bob')
    const peers = room(version)
    peers.add(`P2: alice power {"users":{${version === '12' ? '' : '"@alice:a":100,'}"@mod:a":50,"@bob:a":50}}`)
    refuses(peers, 'kick-power', 'mod kicks bob')
  }
})

test('unban: takes the ban level and the kick level', () => {
  for (const version of everyVersion) {
    allows(room(version), 'mod unbans dora', 'alice unbans dora')
    refuses(room(version), 'unban-power', 'bob unbans dora')
    refuses(room(version, 'invite', ',"ban":60'), 'unban-power', 'mod unbans dora')
    refuses(room(version, 'invite', ',"kick":60'), 'kick-power', 'mod unbans dora')
  }
})

test('ban: by a member with the level, above the target', () => {
  for (const version of everyVersion) {
    allows(room(version), 'mod bans bob', 'mod bans eve', 'alice bans mod', 'mod bans dora')
    refuses(room(version), 'ban-power', 'bob bans eve', 'mod bans alice', 'mod bans mod')
    refuses(room(version), 'ban-sender-not-joined', 'carol bans eve', 'eve bans carol')
    refuses(room(version, 'invite', ',"ban":60'), 'ban-power', 'mod bans eve')
  }
})

test('creators of version 12 cannot be removed, by each other neither', () => {
  const pair = new Room(
    '12',
    `C: alice creates {"additional_creators":["@zoe:a"]}
     A: alice joins
     I: alice invites zoe
     Z: zoe joins
     P: zoe power bob=9007199254740991
     B1: zoe invites bob
     B2: bob joins`,
  )
  refuses(pair, 'kick-power', 'bob kicks alice', 'bob kicks zoe', 'zoe kicks alice', 'alice kicks zoe')
  refuses(pair, 'ban-power', 'bob bans zoe', 'alice bans zoe')
  allows(pair, 'alice bans bob', 'zoe kicks bob', 'zoe leaves')
})

test('knock: since version 7 with rule knock, since 10 with knock_restricted', () => {
  for (const version of ['7', '8', '10', '12']) allows(room(version, 'knock'), 'eve knocks', 'kim knocks')
  for (const version of ['10', '12']) allows(room(version, 'knock_restricted'), 'eve knocks')
  for (const version of ['7', '9']) refuses(room(version, 'knock_restricted'), 'knock-join-rule', 'eve knocks')
  for (const version of ['7', '12']) {
    for (const rule of ['public', 'invite', 'restricted']) refuses(room(version, rule), 'knock-join-rule', 'eve knocks')
  }
  for (const version of ['1', '6']) refuses(room(version, 'knock'), 'member-unknown', 'eve knocks')
})

test('knock: for oneself, from outside', () => {
  for (const version of ['7', '12']) {
    refuses(room(version, 'knock'), 'knock-for-another', 'bob knocks-for eve')
    refuses(room(version, 'knock'), 'knock-membership', 'bob knocks', 'carol knocks', 'dora knocks')
    const left = room(version, 'knock')
    left.add('L: bob leaves')
    allows(left, 'bob knocks')
  }
})
