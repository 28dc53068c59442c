/** Query strings: text, converted by the declaration. */
import { type TSchema, Type } from 'typebox'

export interface Query {
  readonly values: Readonly<Record<string, unknown>>
  /** `access_token`, kept apart so that nothing passes it on; stays in `values` where the endpoint declares it. */
  readonly accessToken: string | undefined
}

type Convert = (text: string) => unknown
interface Parameter {
  readonly convert: Convert
  readonly repeated: boolean
}

const NOTHING: Query = { values: Object.freeze({}), accessToken: undefined }
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/

/** What does not convert stays text, and the declaration's check then names it. */
const asNumber: Convert = (text) => (NUMBER.test(text) ? Number(text) : text)
const asBoolean: Convert = (text) => (text === 'true' ? true : text === 'false' ? false : text)
const asText: Convert = (text) => text

/** Makes the reader of one endpoint's query strings (without the question mark). */
export function queryReader(schema: TSchema): (text: string) => Query {
  const parameters = new Map<string, Parameter>()
  if (Type.IsObject(schema)) for (const [name, type] of Object.entries(schema.properties)) parameters.set(name, parameterOf(type))
  return (text) => (text === '' ? NOTHING : read(text, parameters))
}

function read(text: string, parameters: ReadonlyMap<string, Parameter>): Query {
  const values: Record<string, unknown> = Object.create(null)
  let accessToken: string | undefined
  for (const [name, value] of new URLSearchParams(text)) {
    const parameter = parameters.get(name)
    if (parameter?.repeated) {
      const list = values[name]
      const converted = parameter.convert(value)
      if (Array.isArray(list)) list.push(converted)
      else values[name] = [converted]
    } else if (name === 'access_token' && parameter === undefined) {
      accessToken ??= value
    } else if (!(name in values)) {
      values[name] = parameter === undefined ? value : parameter.convert(value)
    }
  }
  return { values, accessToken }
}

function parameterOf(type: TSchema): Parameter {
  return Type.IsArray(type)
    ? { convert: conversionOf(type.items), repeated: true }
    : { convert: conversionOf(type), repeated: false }
}

function conversionOf(type: TSchema): Convert {
  if (Type.IsInteger(type) || Type.IsNumber(type)) return asNumber
  return Type.IsBoolean(type) ? asBoolean : asText
}
