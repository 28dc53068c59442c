/** The system's list of names that the administrator has given addresses to (`/etc/hosts`). */
import type { LookupAddress } from 'node:dns'
import { open } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Clock } from '../core/clock.ts'

type Names = ReadonlyMap<string, readonly LookupAddress[]>

const AGAIN_AFTER_MS = 5_000
/** Of a longer file only the beginning is read. */
const MAX_BYTES = 1024 * 1024
const NONE: Names = new Map()

export function systemHostsFile(): string {
  const { platform, env } = process
  return platform === 'win32' ? `${env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts` : '/etc/hosts'
}

/** Reads it when it is asked, every few seconds at most, and anew where it has changed. */
export class HostsFile {
  readonly #path: string
  readonly #clock: Clock
  #lookedAt = -Infinity
  #version = ''
  #names: Promise<Names> = Promise.resolve(NONE)

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /** The addresses of a name, in any case of letters; undefined where it has none there. */
  async addressesOf(name: string): Promise<readonly LookupAddress[] | undefined> {
    const now = this.#clock.now()
    if (Math.abs(now - this.#lookedAt) >= AGAIN_AFTER_MS) {
      this.#lookedAt = now
      this.#names = this.#read(this.#names)
    }
    return (await this.#names).get(name.toLowerCase())
  }

  /** A file that cannot be read has no names. */
  async #read(before: Promise<Names>): Promise<Names> {
    try {
      await using file = await open(this.#path)
      const { mtimeMs, size, ino } = await file.stat()
      const version = `${ino} ${size} ${mtimeMs}`
      if (version === this.#version) return await before
      const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(Math.min(size, MAX_BYTES)) })
      this.#version = version
      return namesIn(buffer.toString('utf8', 0, bytesRead))
    } catch {
      this.#version = ''
      return NONE
    }
  }
}

/** Lines of an address and its names, each with a comment after `#` perhaps. */
function namesIn(text: string): Names {
  const names = new Map<string, LookupAddress[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...its] = line.replace(/#.*/, '').trim().split(/\s+/)
    const family = isIP(address)
    if (family === 0) continue
    for (const name of its.map((each) => each.toLowerCase())) {
      const known = names.get(name)
      if (known) known.push({ address, family })
      else names.set(name, [{ address, family }])
    }
  }
  return names
}
