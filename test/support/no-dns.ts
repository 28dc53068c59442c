/**
 * Loaded before all else in the processes of tests (`run.ts`): no test depends on the machine's DNS, which may answer, may not
 * exist, or may keep silent for 10 s a name. Any name but localhost does not exist, said at once, and addresses are themselves;
 * a `Resolver` that was given servers of its own (`setServers`) asks those.
 */
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'

type Callback = (error: Error) => void
type Method = (this: object, ...parameters: unknown[]) => unknown

const IS_QUERY = /^(resolve|reverse|lookupService)/
const hasServers = new WeakSet<object>()

function notFound(hostname: unknown): Error {
  return Object.assign(new Error(`ENOTFOUND ${String(hostname)}: tests have no DNS`), { code: 'ENOTFOUND', hostname })
}

const fail = (hostname: unknown, callback: unknown) => process.nextTick(callback as Callback, notFound(hostname))
const reject: Method = (hostname) => Promise.reject(notFound(hostname))
const failLast: Method = (...parameters) => void fail(parameters[0], parameters.at(-1))

const isHere = (hostname: unknown) => hostname === 'localhost' || isIP(String(hostname)) !== 0 || !hostname

/** Puts `replace`'s result in place of the methods of `owner` that match. */
function patch(owner: object, which: RegExp, replace: (known: Method) => Method): void {
  const methods = owner as Record<string, Method>
  for (const name of Object.getOwnPropertyNames(owner)) {
    const known = methods[name]
    if (which.test(name) && typeof known === 'function') methods[name] = replace(known)
  }
}

for (const [owner, answer] of [
  [dns, failLast],
  [dns.promises, reject],
] as const) {
  patch(owner, IS_QUERY, () => answer)
  patch(
    owner,
    /^lookup$/,
    (known) =>
      (...parameters) =>
        (isHere(parameters[0]) ? known : answer).apply(owner, parameters),
  )
  patch(owner.Resolver.prototype, IS_QUERY, (known) => {
    return function (...parameters) {
      return (hasServers.has(this) ? known : answer).apply(this, parameters)
    }
  })
}
// Both kinds of Resolver have it from one class.
patch(Object.getPrototypeOf(dns.Resolver.prototype) as object, /^setServers$/, (known) => {
  return function (...parameters) {
    hasServers.add(this)
    return known.apply(this, parameters)
  }
})
syncBuiltinESMExports()
