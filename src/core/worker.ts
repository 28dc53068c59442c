/** Something long-lived that the composition root starts, and stops by its signal. */
export interface Worker {
  readonly name: string
  /** Runs until `signal` aborts, then comes to rest at a durable point and resolves. */
  run(signal: AbortSignal): Promise<void>
}
