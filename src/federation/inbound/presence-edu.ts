import { isUserId, serverOf } from '../../../schemas/ids.ts'
import { isJsonObject, stringAt } from '../../../schemas/json.ts'
import { integerOf } from '../../protocol/strict-json.ts'
import type { Presence } from '../../rooms/presence.ts'
import type { EduHandlers } from './edus.ts'

/** https://spec.matrix.org/v1.19/server-server-api/#presence */
export function presenceEdus(presence: Pick<Presence, 'receive'>): EduHandlers {
  return {
    'm.presence': async (origin, content) => {
      const { push } = content
      for (const update of Array.isArray(push) ? push : []) {
        if (!isJsonObject(update)) continue
        const userId = stringAt(update, 'user_id') ?? ''
        const state = stringAt(update, 'presence')
        if (!isUserId(userId) || serverOf(userId) !== origin) continue
        if (state !== 'online' && state !== 'offline' && state !== 'unavailable') continue
        await presence.receive(userId, state, stringAt(update, 'status_msg'), integerOf(update['last_active_ago']) ?? 0)
      }
    },
  }
}
