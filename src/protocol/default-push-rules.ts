/**
 * The server-default push rules.
 * https://spec.matrix.org/v1.19/client-server-api/#predefined-rules, those of MSC3930 for polls, of MSC4306 for threads,
 * and that of MSC4028 for all that is encrypted.
 */
import type { UserId } from '../../schemas/ids.ts'
import { THREAD_SUBSCRIPTION } from './push-conditions.ts'
import type { PushAction, PushCondition, PushRule, PushRuleset } from './push-rules.ts'

const notify: PushAction = 'notify'
const sound = (value: string): PushAction => ({ set_tweak: 'sound', value })
const highlight: PushAction = { set_tweak: 'highlight' }

const match = (key: string, pattern: string): PushCondition => ({ kind: 'event_match', key, pattern })
const property = (key: string, value: string | boolean): PushCondition => ({ kind: 'event_property_is', key, value })
const contains = (key: string, value: string): PushCondition => ({ kind: 'event_property_contains', key, value })
const members = (is: string): PushCondition => ({ kind: 'room_member_count', is })
const inThread = (subscribed: boolean): PushCondition => ({ kind: THREAD_SUBSCRIPTION, subscribed })
const mayNotify = (key: string): PushCondition => ({ kind: 'sender_notification_permission', key })

function rule(name: string, conditions: PushCondition[], actions: PushAction[], enabled = true): PushRule {
  return ruleOf(`.m.rule.${name}`, conditions, actions, enabled)
}

function ruleOf(ruleId: string, conditions: PushCondition[], actions: PushAction[], enabled = true): PushRule {
  return { rule_id: ruleId, default: true, enabled, conditions, actions }
}

/** Polls were sent under unstable names before MSC3381 and MSC3930 were accepted, and by most clients still are. */
const pollNames = [
  { ruleId: '.m.rule.poll', type: 'm.poll' },
  { ruleId: '.org.matrix.msc3930.rule.poll', type: 'org.matrix.msc3381.poll' },
]

/** Goes before all rules, those of users too; all other defaults come after the users' rules of their kind. */
export const MASTER_RULE_ID = '.m.rule.master'

/** The rules of a user who has changed none, in the order in which they are tried. */
export function defaultPushRules(owner: UserId): PushRuleset {
  return {
    override: overrideRules(owner),
    content: [],
    postcontent: threadRules(),
    room: [],
    sender: [],
    underride: underrideRules(),
  }
}

/** The rules of MSC4306. */
export const THREAD_RULE_IDS = ['unsubscribed', 'subscribed'].map((state) => `.io.element.msc4306.rule.${state}_thread`)

/**
 * By the proposal they are enabled from the start; but then nobody whose clients do not know of subscriptions would be notified
 * in any thread. They are enabled when a user first subscribes to a thread.
 */
function threadRules(): PushRule[] {
  const [unsubscribed = '', subscribed = ''] = THREAD_RULE_IDS
  return [
    ruleOf(unsubscribed, [inThread(false)], [], false),
    ruleOf(subscribed, [inThread(true)], [notify, sound('default')], false),
  ]
}

function overrideRules(owner: UserId): PushRule[] {
  const invited = [match('type', 'm.room.member'), match('content.membership', 'invite'), match('state_key', owner)]
  const mentioned = [contains(String.raw`content.m\.mentions.user_ids`, owner)]
  const roomMentioned = [property(String.raw`content.m\.mentions.room`, true), mayNotify('room')]
  return [
    rule('master', [], [], false),
    // MSC4028: just after .m.rule.master. It would have every message of encrypted rooms count that the user has not muted, so
    // it is for clients to enable that decrypt what they are woken for and try the rules again.
    ruleOf('.org.matrix.msc4028.encrypted_event', [property('type', 'm.room.encrypted')], [notify], false),
    rule('suppress_notices', [match('content.msgtype', 'm.notice')], []),
    rule('invite_for_me', invited, [notify, sound('default')]),
    rule('member_event', [match('type', 'm.room.member')], []),
    rule('is_user_mention', mentioned, [notify, sound('default'), highlight]),
    rule('is_room_mention', roomMentioned, [notify, highlight]),
    rule('tombstone', [match('type', 'm.room.tombstone'), match('state_key', '')], [notify, highlight]),
    rule('reaction', [match('type', 'm.reaction')], []),
    rule('room.server_acl', [match('type', 'm.room.server_acl'), match('state_key', '')], []),
    // MSC3930: immediately after .m.rule.room.server_acl.
    ...pollNames.map(({ ruleId, type }) => ruleOf(`${ruleId}_response`, [property('type', `${type}.response`)], [])),
    rule('suppress_edits', [property(String.raw`content.m\.relates_to.rel_type`, 'm.replace')], []),
  ]
}

function underrideRules(): PushRule[] {
  const inPrivate = [notify, sound('default')]
  return [
    rule('call', [match('type', 'm.call.invite')], [notify, sound('ring')]),
    rule('encrypted_room_one_to_one', [members('2'), match('type', 'm.room.encrypted')], inPrivate),
    rule('room_one_to_one', [members('2'), match('type', 'm.room.message')], inPrivate),
    rule('message', [match('type', 'm.room.message')], [notify]),
    rule('encrypted', [match('type', 'm.room.encrypted')], [notify]),
    // MSC3930: immediately after .m.rule.encrypted. Its text escapes the dots of the values, which are no paths.
    ...pollNames.flatMap(({ ruleId, type }) =>
      ['start', 'end'].flatMap((phase) => [
        ruleOf(`${ruleId}_${phase}_one_to_one`, [members('2'), property('type', `${type}.${phase}`)], inPrivate),
        ruleOf(`${ruleId}_${phase}`, [property('type', `${type}.${phase}`)], [notify]),
      ]),
    ),
  ]
}
