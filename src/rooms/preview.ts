import { RecentCache } from '../core/recent-cache.ts'
import { isJsonObject, type JsonObject, objectAt, stringAt } from '../../schemas/json.ts'
import { historyVisibilityOf } from '../protocol/history-visibility.ts'
import type { StoredEvent } from '../storage/stored-event.ts'
import type { RoomStates } from './state.ts'

/** What somebody may know of a room who is not in it, but for its id and the number of its members. */
export interface RoomPreview {
  readonly name: string | undefined
  readonly topic: string | undefined
  readonly canonicalAlias: string | undefined
  readonly avatarUrl: string | undefined
  readonly joinRule: string | undefined
  readonly roomType: string | undefined
  readonly isWorldReadable: boolean
  readonly guestsMayJoin: boolean
}

const SHOWN = ['create', 'name', 'topic', 'canonical_alias', 'avatar', 'join_rules', 'history_visibility', 'guest_access']
const KEYS = SHOWN.map((name) => ({ type: `m.room.${name}`, stateKey: '' }))

/** Previews of rooms, each read once for a state. */
export class RoomPreviews {
  readonly #states: RoomStates
  readonly #previews = new RecentCache<number, RoomPreview>(20_000)

  constructor({ states }: { states: RoomStates }) {
    this.#states = states
  }

  async of(stateRoot: number): Promise<RoomPreview> {
    const known = this.#previews.get(stateRoot)
    if (known) return known
    const preview = previewOf(await this.#states.many(stateRoot, KEYS))
    this.#previews.set(stateRoot, preview)
    return preview
  }
}

function previewOf(state: readonly StoredEvent[]): RoomPreview {
  const contents = new Map(state.map(({ type, content }) => [type, content]))
  const text = (type: string, key: string) => textAt(contents.get(type), key)
  return {
    name: text('m.room.name', 'name'),
    topic: plainTopic(contents.get('m.room.topic')),
    canonicalAlias: text('m.room.canonical_alias', 'alias'),
    avatarUrl: text('m.room.avatar', 'url'),
    joinRule: text('m.room.join_rules', 'join_rule'),
    roomType: text('m.room.create', 'type'),
    isWorldReadable: historyVisibilityOf(state.find(({ type }) => type === 'm.room.history_visibility')) === 'world_readable',
    guestsMayJoin: text('m.room.guest_access', 'guest_access') === 'can_join',
  }
}

function textAt(content: JsonObject | undefined, key: string): string | undefined {
  const value = content && stringAt(content, key)
  return value === '' ? undefined : value
}

/** The topic in plain text. */
function plainTopic(content: JsonObject = {}): string | undefined {
  return plainTextTopic(content) ?? textAt(content, 'topic')
}

/** The representation of a topic without a mimetype or with text/plain. */
export function plainTextTopic(content: JsonObject): string | undefined {
  const texts = objectAt(content, 'm.topic')?.['m.text']
  const plain = Array.isArray(texts)
    ? texts.find((text) => isJsonObject(text) && (text['mimetype'] ?? 'text/plain') === 'text/plain')
    : undefined
  return isJsonObject(plain) ? textAt(plain, 'body') : undefined
}
