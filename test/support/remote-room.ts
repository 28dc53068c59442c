/** A room of a scripted remote server: events made and signed as that server does it, and its answers about them. */
import assert from 'node:assert/strict'
import type { EventId, RoomId, UserId } from '../../schemas/ids.ts'
import type { Json, JsonObject } from '../../schemas/json.ts'
import { authStateKeys } from '../../src/protocol/auth-events.ts'
import { buildEvent } from '../../src/protocol/event-builder.ts'
import { parseEvent } from '../../src/protocol/event-format.ts'
import type { Event } from '../../src/protocol/event.ts'
import { type RoomRules, roomRules } from '../../src/protocol/room-versions.ts'
import { signEvent } from '../../src/protocol/signing.ts'
import { stateMapKey } from '../../src/protocol/state-map.ts'
import type { Reply, RemoteServer } from './remote-server.ts'

export interface EventOptions {
  readonly sender?: UserId
  readonly stateKey?: string
  /** Those that it follows; the last event, unless given. */
  readonly prev?: readonly Event[]
  /** The target of a redaction. */
  readonly redacts?: string
  /** Does not become the last event, nor part of the state. */
  readonly aside?: boolean
  readonly stickyMs?: number
  /** Now, unless given. */
  readonly originServerTs?: number
}

const FEDERATION = '/_matrix/federation'

export class RemoteRoom {
  readonly server: RemoteServer
  readonly rules: RoomRules
  readonly admin: UserId
  readonly roomId: RoomId
  readonly state = new Map<string, Event>()
  readonly events: Event[] = []

  /** A room that its creator has joined, open to all unless another join rule is given. */
  constructor(server: RemoteServer, version = '10', joinRule = 'public') {
    this.server = server
    this.rules = roomRules(version) ?? assert.fail(`no room version ${version}`)
    this.admin = `@admin:${server.name}` as UserId
    const chosen = `!room${Math.random().toString(36).slice(2)}:${server.name}` as RoomId
    this.roomId = this.rules.roomIdIsCreateHash ? ('' as RoomId) : chosen
    const create = this.add('m.room.create', { room_version: version, creator: this.admin }, { stateKey: '' })
    this.roomId = create.roomId
    this.join(this.admin)
    const users = this.rules.auth.privilegedCreators ? {} : { [this.admin]: 100 }
    this.add('m.room.power_levels', { users }, { stateKey: '' })
    this.add('m.room.join_rules', { join_rule: joinRule }, { stateKey: '' })
  }

  add(type: string, content: JsonObject, options: EventOptions = {}): Event {
    const { sender = this.admin, stateKey, redacts, aside = false, stickyMs, originServerTs = Date.now() } = options
    const prev = options.prev ?? this.events.slice(-1)
    const subject = { type, content, sender, stateKey }
    const auth = authStateKeys(subject, this.rules).flatMap((key) => this.state.get(stateMapKey(key.type, key.stateKey)) ?? [])
    const built = buildEvent(
      {
        ...subject,
        redacts: redacts as EventId | undefined,
        roomId: type === 'm.room.create' && this.rules.roomIdIsCreateHash ? undefined : this.roomId,
        originServerTs,
        stickyMs,
        depth: 1 + Math.max(0, ...prev.map(({ depth }) => depth)),
        prevEvents: prev.map(({ eventId }) => eventId),
        authEvents: auth.map(({ eventId }) => eventId),
      },
      this.rules,
    )
    const event = { ...built, pdu: signEvent(built.pdu, this.rules, this.server.name, this.server.signingKey) }
    if (!aside) this.take(event)
    return event
  }

  join(userId: UserId): Event {
    return this.add('m.room.member', { membership: 'join' }, { sender: userId, stateKey: userId })
  }

  say(body: string, options: EventOptions = {}): Event {
    return this.add('m.room.message', { msgtype: 'm.text', body }, options)
  }

  /** An event becomes the last of the room. */
  take(event: Event): void {
    this.events.push(event)
    if (event.stateKey !== undefined) this.state.set(stateMapKey(event.type, event.stateKey), event)
  }

  /** An event of another server, as JSON text. */
  receive(text: string): Event {
    const parsed = parseEvent(JSON.parse(text) as JsonObject, this.rules)
    assert.ok('event' in parsed)
    this.take(parsed.event)
    return parsed.event
  }

  /** Lets users of other servers join. `change` alters the answer to send_join. */
  serveJoins(change: (answer: JsonObject) => Json = (answer) => answer): void {
    const template = (membership: string) => (request: { url: string }) => {
      const userId = decodeURIComponent(request.url.split('?')[0]?.split('/').at(-1) ?? '')
      const { pdu } = this.add('m.room.member', { membership }, { sender: userId as UserId, stateKey: userId, aside: true })
      const { hashes: _hashes, signatures: _signatures, ...event } = pdu
      return { body: { room_version: this.rules.version, event } }
    }
    this.server.on('GET', new RegExp(`^${FEDERATION}/v1/make_join/`), template('join'))
    this.server.on('PUT', new RegExp(`^${FEDERATION}/v2/send_join/`), ({ body }): Reply => {
      const state = [...this.state.values()].map(({ pdu }) => pdu)
      const chain = this.events.filter(({ stateKey }) => stateKey !== undefined).map(({ pdu }) => pdu)
      this.receive(body)
      return { body: change({ state, auth_chain: chain }) }
    })
  }

  /** Answers get_missing_events with events. */
  serveMissing(events: readonly Event[]): void {
    this.server.on('POST', new RegExp(`^${FEDERATION}/v1/get_missing_events/`), () => ({
      body: { events: events.map(({ pdu }) => pdu) },
    }))
  }

  /** Answers backfill with the events up to the one that is asked about. */
  serveHistory(): void {
    this.server.on('GET', new RegExp(`^${FEDERATION}/v1/backfill/`), ({ url }) => {
      const { searchParams } = new URL(url, 'https://remote.test')
      const last = this.events.findIndex(({ eventId }) => eventId === searchParams.get('v'))
      const events = this.events.slice(Math.max(0, last + 1 - Number(searchParams.get('limit'))), last + 1)
      return { body: { origin: this.server.name, origin_server_ts: 1, pdus: events.map(({ pdu }) => pdu).toReversed() } }
    })
  }

  /** Answers state_ids with the state as it is now, event and event_auth with what there is. */
  serveState(): void {
    const state = [...this.state.values()]
    const ids: EventId[] = state.map(({ eventId }) => eventId)
    this.server.on('GET', new RegExp(`^${FEDERATION}/v1/state_ids/`), () => ({ body: { pdu_ids: ids, auth_chain_ids: ids } }))
    this.server.on('GET', new RegExp(`^${FEDERATION}/v1/event_auth/`), () => ({
      body: { auth_chain: state.map(({ pdu }) => pdu) },
    }))
    this.server.on('GET', new RegExp(`^${FEDERATION}/v1/event/`), ({ url }) => {
      const eventId = decodeURIComponent(url.split('/').at(-1) ?? '')
      const event = this.events.find((one) => one.eventId === eventId)
      return event
        ? { body: { origin: this.server.name, origin_server_ts: 1, pdus: [event.pdu] } }
        : { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'No such event' } }
    })
  }
}
