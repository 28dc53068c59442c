/** A DNS server on this machine (RFC 1035, over UDP): knows the names that it is given, and never answers for some. */
import { createSocket } from 'node:dgram'
import type { SrvRecord } from 'node:dns'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** By name: IPv4 and IPv6 addresses, or services. */
export type DnsRecords = Readonly<Record<string, readonly (string | SrvRecord)[]>>

/** Nothing is ever answered about names under this one. */
export const SILENT = '.silent.test'

const HEADER_BYTES = 12
const RESPONSE = 0x8180
const NO_SUCH_NAME = RESPONSE | 3
const INTERNET = 1
const TYPES = { a: 1, aaaa: 28, srv: 33 } as const

/** Disposing stops it. */
export async function dnsServer(records: DnsRecords) {
  const asked: string[] = []
  const server = createSocket('udp4').bind(0, '127.0.0.1')
  await once(server, 'listening')
  server.on('message', (query, from) => {
    const { name, type, end } = questionOf(query)
    asked.push(name)
    if (name.endsWith(SILENT)) return
    const found = records[name]?.filter((record) => typeOf(record) === type) ?? []
    const head = Buffer.from(query.subarray(0, HEADER_BYTES))
    head.writeUInt16BE(records[name] ? RESPONSE : NO_SUCH_NAME, 2)
    for (const [i, count] of [1, found.length, 0, 0].entries()) head.writeUInt16BE(count, 4 + i * 2)
    server.send(Buffer.concat([head, query.subarray(HEADER_BYTES, end), ...found.map(answerOf)]), from.port, from.address)
  })
  return {
    address: `127.0.0.1:${server.address().port}`,
    /** The names of the questions that came. */
    asked,
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function typeOf(record: string | SrvRecord): number {
  if (typeof record !== 'string') return TYPES.srv
  return isIPv4(record) ? TYPES.a : TYPES.aaaa
}

/** It is about the name that was asked for, at the beginning of the question, and lives for a minute. */
function answerOf(record: string | SrvRecord): Buffer {
  const data = typeof record === 'string' ? Buffer.from(ipaddr.parse(record).toByteArray()) : serviceOf(record)
  const head = Buffer.alloc(HEADER_BYTES)
  head.writeUInt16BE(0xc000 | HEADER_BYTES, 0)
  head.writeUInt16BE(typeOf(record), 2)
  head.writeUInt16BE(INTERNET, 4)
  head.writeUInt32BE(60, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

/** RFC 2782. */
function serviceOf({ priority, weight, port, name }: SrvRecord): Buffer {
  const numbers = Buffer.alloc(6)
  for (const [i, value] of [priority, weight, port].entries()) numbers.writeUInt16BE(value, i * 2)
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')])
  return Buffer.concat([numbers, ...labels, Buffer.from([0])])
}
