/** Names of what makes an event: asked for again, it gives the same event. */
import type { Requester } from '../core/requester.ts'
import type { Transaction } from './send.ts'

const DELAYED = 'sent later\n'

/**
 * The scope of a transaction ID is a device and an endpoint. What follows on the line break is the client's part; that
 * break is the only one, so that no other endpoint and ID are written the same.
 */
export function transactionOf(
  requester: Requester,
  endpoint: readonly string[],
  txnId: string | undefined,
): Transaction | undefined {
  if (txnId === undefined) return undefined
  // An application service that acts for no device has its users' numbers for devices: below zero none is given out.
  return { device: requester.deviceNid ?? ofNoDevice(requester.userNid), id: `${endpoint.map(escaped).join(' ')}\n${txnId}` }
}

/** A delayed event is its user's, not a device's. */
export const delayedTransaction = (userNid: number, delayId: string): Transaction => ({
  device: ofNoDevice(userNid),
  id: `${DELAYED}${delayId}`,
})

/** What stands for a device where an event was made by none. */
export const ofNoDevice = (userNid: number): number => -userNid

/** The `delay_id` of the delayed event that a transaction stands for. */
export const delayIdOf = (transactionId: string): string | undefined =>
  transactionId.startsWith(DELAYED) ? transactionId.slice(DELAYED.length) : undefined

/** Without spaces and line breaks. */
const escaped = (part: string): string => part.replaceAll(/[\s%]/g, encodeURIComponent)
