/** How long to wait after repeated failures. */
export interface BackoffPolicy {
  /** So many failures in a row cost no wait at all. */
  readonly freeFailures?: number
  /** The longest wait after the first failure that costs one, in milliseconds. It doubles with each further one. */
  readonly firstMs: number
  /** No wait is longer, in milliseconds. */
  readonly capMs: number
}

/**
 * Milliseconds to wait after `failures` failures in a row: exponential up to the cap, of which `random` (0 to 1)
 * picks a point in the upper half, so that those who failed together do not come back together.
 */
export function backoffDelay({ freeFailures = 0, firstMs, capMs }: BackoffPolicy, failures: number, random: number): number {
  if (failures <= freeFailures) return 0
  const longest = Math.min(capMs, firstMs * 2 ** (failures - freeFailures - 1))
  return Math.round(longest * (0.5 + random / 2))
}
