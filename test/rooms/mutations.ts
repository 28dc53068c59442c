/** Events spoiled in the ways in which hostile or broken servers spoil them. */
import type { Json, JsonObject } from '../../schemas/json.ts'
import type { Random } from '../support/random.ts'

/** Stands for what JSON text can say and `JSON.stringify` cannot: put into the text at the end. */
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const RAW = [
  '1.0',
  '1e3',
  '-0',
  '1e400',
  '9007199254740993',
  '-9007199254740993',
  '1E-7',
  '00',
  'NaN',
  '"\\ud800"',
  '"\\u0000"',
  nested(90),
  nested(600),
  nested(30_000),
]
const marker = (index: number) => `\u0001raw${index}\u0001`

const HOSTILE: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  Number.MAX_SAFE_INTEGER,
  '',
  'join',
  'ban',
  '100',
  '__proto__',
  '\ud800',
  '\u0000',
  '@a:b:c',
  '@ann:a',
  '@one:b',
  `@${'x'.repeat(300)}:a`,
  '!x',
  '$x',
  'm.room.create',
  'm.room.member',
  'm.room.power_levels',
  'm.room.redaction',
  'm.room.aliases',
  'm.room.third_party_invite',
  [],
  {},
  [[]],
  { '': {} },
  { sha256: '' },
  { membership: 'join', join_authorised_via_users_server: '@one:b' },
  { membership: 'invite', third_party_invite: { signed: { mxid: '@one:b', token: 't', signatures: {} } } },
  { users: { '@ann:a': -1, '@one:b': '50 ' }, users_default: 1e9 },
]

/** The text of a PDU with one to three things about it changed. */
export function mutate(random: Random, pdu: JsonObject): string {
  const copy = structuredClone(pdu)
  for (let changes = 1 + random.below(3); changes > 0; changes--) change(random, copy)
  return spoilText(random, textOf(copy))
}

/** A PDU with one thing about it changed that is still JSON, for those who then sign it. */
export function mutated(random: Random, pdu: JsonObject): JsonObject {
  const copy = structuredClone(pdu)
  change(random, copy)
  return copy
}

export function textOf(pdu: JsonObject): string {
  return RAW.reduce((text, raw, index) => text.replaceAll(JSON.stringify(marker(index)), raw), JSON.stringify(pdu))
}

function change(random: Random, pdu: JsonObject): void {
  const { holder, key } = anyPlace(random, pdu)
  const turn = random.below(10)
  if (turn === 0) delete holder[key]
  else if (turn === 1) copyTo(random.pick(['__proto__', 'constructor', 'toString', '', 'unsigned', 'signatures']), holder, key)
  else if (turn === 2) holder[key] = marker(random.below(RAW.length))
  else if (turn === 3) holder[key] = large(random)
  else if (turn === 4) holder[key] = structuredClone(anyPlace(random, pdu).value ?? null)
  else if (turn === 5) holder[key] = slightlyOther(random, holder[key] ?? null)
  else holder[key] = structuredClone(random.pick(HOSTILE))
}

/** As a member of its own, whatever the name means to JavaScript. */
function copyTo(name: string, holder: { [key: string]: Json }, key: string): void {
  const value = structuredClone(holder[key] ?? null)
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true })
}

interface Place {
  readonly holder: { [key: string]: Json }
  readonly key: string
  readonly value: Json | undefined
}

function anyPlace(random: Random, pdu: JsonObject): Place {
  let holder = pdu as { [key: string]: Json }
  for (;;) {
    const key = random.pick(Object.keys(holder))
    const value = holder[key]
    const isDeep = typeof value === 'object' && value !== null && Object.keys(value).length > 0
    if (!isDeep || random.chance(0.3)) return { holder, key, value }
    holder = value as { [key: string]: Json }
  }
}

function slightlyOther(random: Random, value: Json): Json {
  if (typeof value === 'number') return value + random.pick([-1, 1, 0.5, 2 ** 40])
  if (typeof value !== 'string' || value === '') return [value]
  const at = random.below(value.length)
  return value.slice(0, at) + String.fromCharCode(random.below(0x250)) + value.slice(at + 1)
}

function large(random: Random): Json {
  const turn = random.below(4)
  if (turn === 0) return 'x'.repeat(70_000)
  if (turn === 1) return Array.from({ length: 2_000 }, (_, index) => `$${index}:a`)
  if (turn === 2) return Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`@${index}:a`, index]))
  return marker(random.below(RAW.length))
}

/** One time in four also a letter of the text is changed, so that it may be no JSON at all. */
function spoilText(random: Random, text: string): string {
  if (!random.chance(0.25)) return text
  const at = random.below(text.length)
  const letter = random.pick(['"', '{', '}', '[', ']', ',', ':', '0', '-', '\\', '\u00e9', ' ', '\ud83d', 'e'])
  return text.slice(0, at) + letter + text.slice(at + random.below(2))
}
