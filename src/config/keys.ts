/** The kinds of key that schema.ts is made of. Each carries what validation, the environment, `check-config` and the docs need. */
import ipaddr from 'ipaddr.js'
import { type TEnum, type TProperties, type TSchema, Type } from 'typebox'
import { isServerName, serverName } from '../../schemas/ids.ts'

/** What a key says about itself beside its type. */
export interface KeyInfo {
  readonly description?: string
  readonly default?: unknown
  /** Shown in place of a default that depends on something else. */
  readonly defaultNote?: string
  /** What a right value looks like, as the end of the sentence "expected …". */
  readonly expected?: string
  /** `bytes`: a number or a size such as 50M. `path`: made absolute against the working directory. */
  readonly unit?: 'bytes' | 'milliseconds' | 'path'
  /** Never shown, and may be given as `<key>_file` instead. */
  readonly secret?: boolean
}

type Extra = Pick<KeyInfo, 'default' | 'defaultNote'>

// TypeBox keeps what is passed beside the type on the schema, but does not type it.
export const infoOf = (schema: TSchema): KeyInfo => schema as KeyInfo

export const text = (description: string, extra: Extra = {}) =>
  Type.String({ description, expected: 'a text', minLength: 1, ...extra })
export const secret = (description: string) => Type.String({ description, expected: 'a text', minLength: 1, secret: true })
export const flag = (description: string, fallback: boolean) =>
  Type.Boolean({ description, expected: 'true or false', default: fallback })
export const path = (description: string, extra: Extra = {}) =>
  Type.String({ description, expected: 'a file path', minLength: 1, unit: 'path', ...extra })
export const size = (description: string, fallback: string) =>
  Type.Integer({
    description,
    expected: 'a size in bytes, such as 512K, 50M or 2G',
    minimum: 1,
    unit: 'bytes',
    default: fallback,
  })
export const milliseconds = (description: string, fallback?: number) =>
  Type.Integer({ description, expected: 'a whole number of milliseconds', minimum: 0, unit: 'milliseconds', default: fallback })
export const count = (description: string, fallback: number, minimum = 1) =>
  Type.Integer({ description, expected: `a whole number from ${minimum}`, minimum, default: fallback })
export const perSecond = (description: string, fallback: number) =>
  Type.Number({ description, expected: 'a number above 0', exclusiveMinimum: 0, default: fallback })
export const port = (description: string, extra: Extra = {}) =>
  Type.Integer({ description, expected: 'a port from 0 to 65535 (0: any free one)', minimum: 0, maximum: 65_535, ...extra })

export const choice = <const Values extends string[]>(
  description: string,
  values: readonly [...Values],
  fallback?: Values[number],
): TEnum<Values> =>
  Type.Enum(values, {
    description,
    expected: `one of ${values.join(', ')}`,
    ...(fallback !== undefined && { default: fallback }),
  })

/** A text that a function accepts. */
const checkedText = (expected: string, check: (value: string) => boolean, info: KeyInfo = {}) =>
  Type.Refine(Type.String({ expected, ...info }), check, () => expected)

export const url = (description: string, extra: Extra = {}) =>
  checkedText('an http:// or https:// URL', isHttpUrl, { description, ...extra })
export const turnUri = (description: string) =>
  checkedText('a turn: or turns: URI', (value) => /^turns?:./.test(value), { description })
export const ipRange = () => checkedText('an IP address or a range such as 10.0.0.0/8', isIpRange)
export const hostAndPort = (description: string) =>
  checkedText('a host name or address, with or without :port', isServerName, { description })
export const server = (info: KeyInfo = {}) =>
  Object.assign(serverName(), { expected: 'a server name such as example.org', ...info })
export const opaqueId = (description: string) =>
  checkedText('an ID of letters, digits and . _ ~ -', (value) => /^[\w.~-]{1,255}$/.test(value), { description })
export const userIdText = (description: string) =>
  checkedText('a user ID such as @alice:example.org', (value) => /^@[^:]+:.+/.test(value), { description })

export const group = <P extends TProperties>(description: string, properties: P) =>
  Type.Object(properties, { description, expected: 'a group of keys' })
export const list = <T extends TSchema>(description: string, item: T, extra: Extra = {}) =>
  Type.Array(item, { description, expected: 'a list', ...extra })
export const map = <T extends TSchema>(description: string, value: T) =>
  Type.Record(Type.String(), value, { description, expected: 'a group of names and values', default: {} })

function isHttpUrl(value: string): boolean {
  return /^https?:$/.test(URL.parse(value)?.protocol ?? '')
}

function isIpRange(value: string): boolean {
  return value.includes('/') ? ipaddr.isValidCIDR(value) : ipaddr.isValid(value)
}
