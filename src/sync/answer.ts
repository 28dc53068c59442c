import { encodeToken } from '../streams/position.ts'
import type { SyncPart } from './extension.ts'

/** Sections by room id, each as JSON text. */
export type Sections = readonly (readonly [roomId: string, text: string])[]

export interface RoomsPart {
  readonly join: Sections
  readonly invite: Sections
  readonly knock: Sections
  readonly leave: Sections
}

/** An answer of `/sync`, ready to be sent. */
export interface SyncAnswer {
  /** What its token stands for. */
  readonly upTo: number
  /** Nothing in it is worth an answer. */
  readonly isEmpty: boolean
  /** The pieces of its JSON text. */
  readonly texts: readonly string[]
}

/**
 * What an answer says where nobody has anything to say: clients of all ages find what they expect.
 * (Of `device_lists` they expect that it is there only with changes, and never in an initial answer.)
 */
const DEFAULTS: ReadonlyMap<string, string> = new Map([
  ['presence', '{"events":[]}'],
  ['to_device', '{"events":[]}'],
  ['device_one_time_keys_count', '{}'],
  ['device_unused_fallback_key_types', '[]'],
])

/** Puts an answer together. `accountData` holds the members of a JSON array. */
export function answerOf(upTo: number, rooms: RoomsPart, accountData: string, parts: readonly SyncPart[]): SyncAnswer {
  const texts = [`{"next_batch":"${encodeToken(upTo)}","account_data":{"events":[${accountData}]},${headOf(parts)}"rooms":{`]
  append(texts, 'join', rooms.join)
  append(texts, 'invite', rooms.invite)
  append(texts, 'knock', rooms.knock)
  append(texts, 'leave', rooms.leave)
  texts.push('}}')
  return { upTo, isEmpty: isEmpty(rooms) && accountData === '' && !parts.some(({ isNews }) => isNews), texts: joined(texts) }
}

function headOf(parts: readonly SyncPart[]): string {
  let text = ''
  for (const part of parts) text += memberText(part.name, part.text)
  for (const [name, value] of DEFAULTS) if (!parts.some((part) => part.name === name)) text += memberText(name, value)
  return text
}

const memberText = (name: string, value: string): string => `"${name}":${value},`

function append(texts: string[], name: keyof RoomsPart, sections: Sections): void {
  texts.push(name === 'join' ? '"join":{' : `,"${name}":{`)
  for (const [index, [roomId, text]] of sections.entries())
    texts.push(`${index === 0 ? '' : ','}${JSON.stringify(roomId)}:`, text)
  texts.push('}')
}

function isEmpty({ join, invite, knock, leave }: RoomsPart): boolean {
  return join.length + invite.length + knock.length + leave.length === 0
}

/** Small pieces are joined, so that they are sent in one write. */
function joined(texts: readonly string[]): string[] {
  const MAX_JOINED = 16 * 1024
  const pieces: string[] = []
  let piece = ''
  for (const text of texts) {
    if (piece.length + text.length > MAX_JOINED && piece !== '') {
      pieces.push(piece)
      piece = ''
    }
    piece += text
  }
  return [...pieces, piece]
}
