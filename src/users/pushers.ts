/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers */
import type { JsonObject } from '../../schemas/json.ts'
import { stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { invalidParam, missingParam } from '../core/errors.ts'
import { assertWithin } from '../core/quotas.ts'
import type { Requester } from '../core/requester.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { DeviceAddress, DeviceListener } from './sessions.ts'
import type { Pushers } from '../storage/pushers.ts'

const MAX_APP_ID = 64
const MAX_PUSHKEY_BYTES = 512
const REQUIRED = ['app_display_name', 'device_display_name', 'lang'] as const
/** What of a request is kept and given back. */
const KEPT = ['pushkey', 'kind', 'app_id', 'app_display_name', 'device_display_name', 'profile_tag', 'lang', 'data']

export interface UserPushersParts {
  db: Database
  clock: Clock
  pushers: Pushers
}

export interface PusherWish {
  readonly appId: string
  readonly pushkey: string
  /** Null takes the pusher away. */
  readonly kind: string | null
  /** Other users of the same key keep theirs. */
  readonly append: boolean
  /** The whole request. */
  readonly body: JsonObject
}

export class UserPushers implements DeviceListener {
  readonly #parts: UserPushersParts

  constructor(parts: UserPushersParts) {
    this.#parts = parts
  }

  deviceChanged(): void {}

  /** A pusher lasts as long as the session that set it. */
  deviceRemoved(batch: Batch, { userNid, deviceNid }: DeviceAddress): void {
    this.#parts.pushers.removeOfDevice(batch, userNid, deviceNid)
  }

  async list({ userNid }: Requester): Promise<JsonObject[]> {
    return (await this.#parts.pushers.ofUser(userNid)).map(({ pusher }) => pusher)
  }

  /** Makes, changes or takes away a pusher. @throws {MatrixError} M_MISSING_PARAM, M_INVALID_PARAM, M_TOO_LARGE */
  async set({ userNid, deviceNid }: Requester, wish: PusherWish): Promise<void> {
    const { db, clock, pushers } = this.#parts
    if (wish.kind === null) return db.write((batch) => pushers.remove(batch, userNid, wish))
    assertValid(wish)
    const pusher = Object.fromEntries(KEPT.flatMap((key) => (wish.body[key] === undefined ? [] : [[key, wish.body[key]]])))
    const others = (await pushers.ofUser(userNid)).filter(
      ({ pusher: { app_id: id, pushkey: key } }) => id !== wish.appId || key !== wish.pushkey,
    )
    assertWithin('pushers', others.length + 1)
    await db.write((batch) => {
      if (!wish.append) pushers.removeOfOthers(batch, userNid, wish)
      pushers.set(batch, userNid, wish, { deviceNid: deviceNid ?? 0, pusher: pusher as JsonObject, setTs: clock.now() })
    })
  }
}

function assertValid({ appId, pushkey, kind, body }: PusherWish): void {
  if (kind !== 'http' && kind !== 'email') throw invalidParam('kind must be http, email or null')
  for (const key of REQUIRED) if (stringAt(body, key) === undefined) throw missingParam(`A pusher needs ${key}`)
  const { data } = body
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw missingParam('A pusher needs data')
  if (appId.length > MAX_APP_ID) throw invalidParam(`app_id is longer than ${MAX_APP_ID} characters`)
  if (Buffer.byteLength(pushkey) > MAX_PUSHKEY_BYTES) throw invalidParam(`pushkey is longer than ${MAX_PUSHKEY_BYTES} bytes`)
  if (kind === 'http') assertGateway(stringAt(data, 'url'))
}

/** MUST be an HTTPS URL with a path of `/_matrix/push/v1/notify`. */
function assertGateway(url: string | undefined): void {
  if (url === undefined) throw missingParam('The data of an http pusher need url')
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const isHttp = parsed?.protocol === 'https:' || parsed?.protocol === 'http:'
  if (!isHttp || parsed?.pathname !== '/_matrix/push/v1/notify')
    throw invalidParam('url must be that of a push gateway, with the path /_matrix/push/v1/notify')
}
