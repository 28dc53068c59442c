/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushers */
import type { DeviceId } from '../../schemas/ids.ts'
import type { JsonObject } from '../../schemas/json.ts'
import { stringAt } from '../../schemas/json.ts'
import type { Clock } from '../core/clock.ts'
import { invalidParam, missingParam } from '../core/errors.ts'
import { assertWithin } from '../core/quotas.ts'
import type { Requester } from '../core/requester.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { Devices } from '../storage/devices.ts'
import type { DeviceAddress, DeviceListener } from './sessions.ts'
import type { Pushers, StoredPusher } from '../storage/pushers.ts'

const MAX_APP_ID = 64
const MAX_PUSHKEY_BYTES = 512
const REQUIRED = ['app_display_name', 'device_display_name', 'lang'] as const
/** MSC3881: whether the pusher is to be used, and whose it is. https://github.com/matrix-org/matrix-spec-proposals/pull/3881 */
const ENABLED = 'org.matrix.msc3881.enabled'
const DEVICE_ID = 'org.matrix.msc3881.device_id'
/** What of a request is kept and given back. */
const KEPT = ['pushkey', 'kind', 'app_id', 'app_display_name', 'device_display_name', 'profile_tag', 'lang', 'data', ENABLED]

export interface UserPushersParts {
  db: Database
  clock: Clock
  devices: Pick<Devices, 'get' | 'ofUser'>
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
    const { devices, pushers } = this.#parts
    const deviceIds = new Map((await devices.ofUser(userNid)).map(({ deviceNid, deviceId }) => [deviceNid, deviceId]))
    return (await pushers.ofUser(userNid)).map(({ deviceNid, pusher }) => {
      const deviceId = deviceIds.get(deviceNid)
      return { [ENABLED]: true, ...pusher, ...(deviceId !== undefined && { [DEVICE_ID]: deviceId }) }
    })
  }

  /** Makes, changes or takes away a pusher. @throws {MatrixError} M_MISSING_PARAM, M_INVALID_PARAM, M_TOO_LARGE */
  async set({ userNid, deviceNid }: Requester, wish: PusherWish): Promise<void> {
    const { db, clock, pushers } = this.#parts
    if (wish.kind === null) return db.write((batch) => pushers.remove(batch, userNid, wish))
    assertValid(wish)
    const pusher = Object.fromEntries(KEPT.flatMap((key) => (wish.body[key] === undefined ? [] : [[key, wish.body[key]]])))
    const own = await pushers.ofUser(userNid)
    const earlier = own.find(({ pusher: { app_id: id, pushkey: key } }) => id === wish.appId && key === wish.pushkey)
    assertWithin('pushers', own.length + (earlier ? 0 : 1))
    const keeper = await this.#keeper(userNid, wish, earlier)
    await db.write((batch) => {
      if (!wish.append) pushers.removeOfOthers(batch, userNid, wish)
      pushers.set(batch, userNid, wish, { deviceNid: keeper ?? deviceNid ?? 0, pusher: pusher as JsonObject, setTs: clock.now() })
    })
  }

  /** The device whose pusher it remains where another one changes it, which then names it as it was told. */
  async #keeper(userNid: number, { body }: PusherWish, earlier: StoredPusher | undefined): Promise<number | undefined> {
    const deviceId = stringAt(body, DEVICE_ID)
    if (!earlier || deviceId === undefined) return undefined
    const device = await this.#parts.devices.get(userNid, deviceId as DeviceId)
    return device?.deviceNid === earlier.deviceNid ? earlier.deviceNid : undefined
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
