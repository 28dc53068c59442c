import { BlockList, isIP } from 'node:net'

/**
 * Tells whether an IP address (without brackets) lies in one of `ranges`, each an address or a CIDR range.
 * An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) counts as the IPv4 address.
 */
export function addressRanges(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    const family = familyOf(address)
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return (address) => list.check(address, familyOf(address))
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
