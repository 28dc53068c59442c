import type { DeviceId, UserId } from '../../schemas/ids.ts'
import type { Clock } from '../core/clock.ts'
import { invalidParam, unknownToken, userLocked } from '../core/errors.ts'
import { KeyedQueue } from '../core/keyed-queue.ts'
import { randomLetters, randomToken } from '../core/random.ts'
import { assertWithin } from '../core/quotas.ts'
import type { Requester } from '../core/requester.ts'
import type { Batch, Database } from '../storage/database.ts'
import type { DehydratedDevicesTable } from '../storage/dehydrated-devices.ts'
import type { Device, Devices } from '../storage/devices.ts'
import type { Tokens } from '../storage/tokens.ts'
import { type AccessTokens, hashToken } from './tokens.ts'

/** How long an access token lasts that can be refreshed. */
const ACCESS_TOKEN_LIFETIME_MS = 60 * 60_000
/** An expired token is kept for so long, so that who still uses it is told that it has only expired. */
const EXPIRED_TOKENS_KEPT_MS = 7 * 24 * 60 * 60_000
export const MAX_DEVICE_NAME_LENGTH = 256

export interface User {
  readonly userNid: number
  readonly userId: UserId
}

/** What a client asks for when it logs in or registers. */
export interface SessionRequest {
  readonly deviceId?: DeviceId | undefined
  /** For a new device only. */
  readonly displayName?: string | undefined
  /** The client can refresh its access token, so it may be given one that expires. */
  readonly refreshable?: boolean | undefined
}

/** What the client gets, in the form of the specification. The access token expires in `expires_in_ms`, or never. */
export interface Credentials {
  access_token: string
  device_id: DeviceId
  refresh_token?: string
  expires_in_ms?: number
}

export interface DeviceAddress extends User {
  readonly deviceNid: number
  readonly deviceId: DeviceId
}

/** Hears of changes to local devices inside of the write that makes them, and adds to it what follows from them. */
export interface DeviceListener {
  /** The device is new or has another name. */
  deviceChanged(batch: Batch, device: DeviceAddress): void
  /** The device is gone: whatever belongs to it goes with it. */
  deviceRemoved(batch: Batch, device: DeviceAddress): void
}

interface Deps {
  readonly db: Database
  readonly devices: Devices
  readonly dehydratedDevicesTable: Pick<DehydratedDevicesTable, 'ofUser'>
  readonly tokens: Tokens
  readonly accessTokens: AccessTokens
  readonly clock: Clock
  readonly deviceListeners: readonly DeviceListener[]
}

/**
 * A session is a device and its tokens.
 * https://spec.matrix.org/v1.19/client-server-api/#relationship-between-access-tokens-and-devices
 */
export class Sessions {
  readonly #deps: Deps
  readonly #queue = new KeyedQueue<number>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Runs `task` while nothing else opens or closes sessions of the user. Not re-entrant. */
  exclusively<T>(userNid: number, task: () => Promise<T>): Promise<T> {
    return this.#queue.run(userNid, task)
  }

  /**
   * Opens a session of a user who has been authenticated. Call it within `exclusively`.
   * @throws {MatrixError} M_TOO_LARGE for one device too many, M_INVALID_PARAM for the dehydrated device, on which nobody is logged in
   */
  async open(user: User, request: SessionRequest): Promise<Credentials> {
    const device = request.deviceId === undefined ? undefined : await this.#deps.devices.get(user.userNid, request.deviceId)
    if (!device) {
      assertWithin('devices', (await this.#deps.devices.count(user.userNid)) + 1)
      return this.#deps.db.write((batch) => this.openNew(batch, user, request))
    }
    if ((await this.#deps.dehydratedDevicesTable.ofUser(user.userNid))?.deviceNid === device.deviceNid)
      throw invalidParam('That device is dehydrated')
    const revoked = await this.#deps.tokens.accessOf([device.deviceNid])
    return this.#deps.db.write((batch) => {
      // The server will invalidate any access and refresh tokens previously assigned to that device.
      this.#deps.tokens.removeOfDevice(batch, device.deviceNid)
      this.#forgetAfter(batch, revoked)
      return this.#issue(batch, device, request.refreshable === true, null)
    })
  }

  /** Opens a session on a device that the user does not have yet. */
  openNew(batch: Batch, { userNid, userId }: User, request: SessionRequest): Credentials {
    const deviceId = request.deviceId ?? (randomLetters(10).toUpperCase() as DeviceId)
    const displayName = request.displayName?.slice(0, MAX_DEVICE_NAME_LENGTH) ?? null
    const deviceNid = this.#deps.devices.add(batch, userNid, deviceId, displayName)
    this.announceChange(batch, { userNid, userId, deviceNid, deviceId })
    return this.#issue(batch, { deviceNid, deviceId }, request.refreshable === true, null)
  }

  /** Closes sessions of a user: their devices and tokens are gone. `also` adds to the same write. Call it within `exclusively`. */
  async close(
    { userNid, userId }: User,
    devices: readonly Pick<Device, 'deviceNid' | 'deviceId'>[],
    also?: (batch: Batch) => void,
  ): Promise<void> {
    const revoked = await this.#deps.tokens.accessOf(devices.map(({ deviceNid }) => deviceNid))
    await this.#deps.db.write((batch) => {
      for (const { deviceNid, deviceId } of devices) {
        this.#deps.tokens.removeOfDevice(batch, deviceNid)
        this.#deps.devices.remove(batch, deviceNid)
        const device = { userNid, userId, deviceNid, deviceId }
        for (const listener of this.#deps.deviceListeners) listener.deviceRemoved(batch, device)
      }
      also?.(batch)
      this.#forgetAfter(batch, revoked)
    })
  }

  /** Closes all sessions of a user but that of the device `except`. Call it within `exclusively`. */
  async closeAll(user: User, except?: number, also?: (batch: Batch) => void): Promise<void> {
    const devices = await this.#deps.devices.ofUser(user.userNid)
    await this.close(
      user,
      devices.filter(({ deviceNid }) => deviceNid !== except),
      also,
    )
  }

  /** Closes the session of the requester's device. */
  logOut(requester: Requester): Promise<void> {
    const { userNid, deviceNid, deviceId } = requester
    const devices = deviceNid === undefined || deviceId === undefined ? [] : [{ deviceNid, deviceId }]
    return this.exclusively(userNid, () => this.close(requester, devices))
  }

  /** Closes all sessions of the requester. */
  logOutEverywhere(user: User): Promise<void> {
    return this.exclusively(user.userNid, () => this.closeAll(user))
  }

  /** Writes a change of what the user's tokens stand for, such as being an admin. Call it within `exclusively`. */
  async change(userNid: number, write: (batch: Batch) => void): Promise<void> {
    const devices = await this.#deps.devices.ofUser(userNid)
    const tokens = await this.#deps.tokens.accessOf(devices.map(({ deviceNid }) => deviceNid))
    await this.#deps.db.write((batch) => {
      write(batch)
      this.#forgetAfter(batch, tokens)
    })
  }

  /**
   * Trades a refresh token in for a new pair of tokens. The old one stays good until one of the new pair is used.
   * https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens
   */
  async refresh(refreshToken: string): Promise<Credentials> {
    const { tokens, db, clock } = this.#deps
    const traded = hashToken(refreshToken)
    const found = await tokens.findRefresh(traded)
    if (!found) throw unknownToken('The refresh token is unknown')
    return this.exclusively(found.userNid, async () => {
      const bearer = await tokens.findRefresh(traded)
      if (!bearer || bearer.isDeactivated) throw unknownToken('The refresh token is unknown')
      if (bearer.isLocked) throw userLocked()
      return db.write((batch) => {
        if (bearer.tradedHash !== null) tokens.settleTrade(batch, bearer.tradedHash)
        tokens.removeExpired(batch, bearer.deviceNid, clock.now() - EXPIRED_TOKENS_KEPT_MS)
        // A client may repeat a trade whose answer it did not get, or make it twice at once; older tries are not coming back.
        tokens.removeAbandoned(batch, traded, clock.now() - ACCESS_TOKEN_LIFETIME_MS)
        return this.#issue(batch, bearer, true, traded)
      })
    })
  }

  announceChange(batch: Batch, device: DeviceAddress): void {
    for (const listener of this.#deps.deviceListeners) listener.deviceChanged(batch, device)
  }

  #issue(
    batch: Batch,
    device: Pick<Device, 'deviceNid' | 'deviceId'>,
    refreshable: boolean,
    tradedHash: string | null,
  ): Credentials {
    const { tokens, clock } = this.#deps
    const { deviceNid, deviceId } = device
    const accessToken = randomToken()
    if (!refreshable) {
      tokens.addAccess(batch, { hash: hashToken(accessToken), deviceNid, expiresTs: null, refreshHash: null })
      return { access_token: accessToken, device_id: deviceId }
    }
    const refreshToken = randomToken()
    const refreshHash = hashToken(refreshToken)
    const expiresTs = clock.now() + ACCESS_TOKEN_LIFETIME_MS
    tokens.addRefresh(batch, { hash: refreshHash, deviceNid, tradedHash, createdTs: clock.now() })
    tokens.addAccess(batch, { hash: hashToken(accessToken), deviceNid, expiresTs, refreshHash })
    return {
      access_token: accessToken,
      device_id: deviceId,
      refresh_token: refreshToken,
      expires_in_ms: ACCESS_TOKEN_LIFETIME_MS,
    }
  }

  #forgetAfter(batch: Batch, hashes: readonly string[]): void {
    batch.onSettled((committed) => {
      if (committed) this.#deps.accessTokens.forget(hashes)
    })
  }
}
