/** The answer to "do you work?" for load balancers and container supervisors. */

/** Resolves when the part works, rejects when it does not. */
export type Probe = () => Promise<unknown>

export interface Health {
  readonly status: 200 | 503
  /** Each part with `ok` or `failing`; the reason of a failure is for the log, not for whoever asks. */
  readonly body: { readonly status: 'ok' | 'failing'; readonly parts: Readonly<Record<string, 'ok' | 'failing'>> }
}

/** Asks every part at once; one that has not answered when `deadline` aborts counts as failing. */
export async function checkHealth(probes: Readonly<Record<string, Probe>>, deadline: AbortSignal): Promise<Health> {
  const late = new Promise<never>((_, reject) => {
    const give = () => reject(deadline.reason)
    if (deadline.aborted) give()
    else deadline.addEventListener('abort', give, { once: true })
  })
  late.catch(() => undefined)
  const results = await Promise.allSettled(Object.values(probes).map((probe) => Promise.race([probe(), late])))
  const parts = Object.fromEntries(
    Object.keys(probes).map((name, index) => [
      name,
      results[index]?.status === 'fulfilled' ? ('ok' as const) : ('failing' as const),
    ]),
  )
  const ok = results.every(({ status }) => status === 'fulfilled')
  return { status: ok ? 200 : 503, body: { status: ok ? 'ok' : 'failing', parts } }
}
