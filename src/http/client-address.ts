import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6, type Socket } from 'node:net'
import { addressRanges } from './address-ranges.ts'

/** Gives the address of the client behind the reverse proxies that `trustedProxies` (ranges) names. */
export function clientAddresses(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const trusted = addressRanges(trustedProxies)
  return (request) => {
    const peer = peerAddress(request.socket)
    const forwarded = request.headers['x-forwarded-for']
    // Whoever is not a trusted proxy could write anything into the header.
    if (forwarded === undefined || trustedProxies.length === 0 || !trusted(peer)) return peer
    // Each proxy appends whom it saw, so the last hop that is not one of ours is the client.
    const hops = String(forwarded)
      .split(',')
      .map((hop) => plain(hop.trim()))
    const client = hops.findLast((hop) => isIP(hop) === 0 || !trusted(hop)) ?? hops[0]
    return client !== undefined && isIP(client) !== 0 ? client : peer
  }
}

/** Who is at the other end, be it a proxy; empty where nobody is any more. */
export const peerAddress = (socket: Pick<Socket, 'remoteAddress'>): string => plain(socket.remoteAddress ?? '')

/**
 * What counts as one address where so much is allowed from one: of IPv6 the /64 network, of which whoever has one of its
 * addresses has them all.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail = ''] = address.split('::')
  const [before, after] = [groupsOf(head), groupsOf(tail)]
  const zeros = Array<number>(8 - before.length - after.length).fill(0)
  const network = [...before, ...zeros, ...after].slice(0, 4)
  return `${network.map((group) => group.toString(16)).join(':')}::/64`
}

const groupsOf = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))

/** A socket that listens on `::` shows IPv4 peers as `::ffff:192.0.2.1`. */
const plain = (address: string): string => (address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address)
