/** A bot of matrix-bot-sdk: it goes wherever it is invited and answers `!ping`. */
import { AutojoinRoomsMixin, LogService, MatrixAuth, type MatrixClient } from 'matrix-bot-sdk'
import { isJsonObject, objectAt } from '../../schemas/json.ts'
import type { Account } from './servers.ts'

const nothing = () => {}

export async function startBot({ url, userId, password }: Account): Promise<MatrixClient & Disposable> {
  LogService.setLogger({ trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing })
  const bot = await new MatrixAuth(url).passwordLogin(userId.slice(1, userId.indexOf(':')), password)
  AutojoinRoomsMixin.setupOnClient(bot)
  bot.on('room.message', (roomId: string, event: unknown) => {
    if (isJsonObject(event) && objectAt(event, 'content')?.['body'] === '!ping') void bot.replyNotice(roomId, event, 'pong')
  })
  await bot.start()
  return Object.assign(bot, { [Symbol.dispose]: () => bot.stop() })
}
