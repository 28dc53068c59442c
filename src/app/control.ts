/**
 * How the command line reaches a server that runs: a socket beside the database, which only the server's own user can open.
 * A connection carries one request and one answer, both JSON.
 */
import { once } from 'node:events'
import { existsSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { Type } from 'typebox'
import { Check } from 'typebox/value'
import { isUserId, type UserId } from '../../schemas/ids.ts'
import { isJsonObject, type Json, type JsonObject, stringAt } from '../../schemas/json.ts'
import { badJson, MatrixError } from '../core/errors.ts'
import { OperatorError } from '../core/operator-error.ts'
import type { AccountDesk } from './program.ts'

const createAccountRequest = Type.Object({ localpart: Type.String(), password: Type.String(), admin: Type.Boolean() })

/** Addresses of sockets are short (108 bytes on Linux). */
const MAX_PATH_BYTES = 100

/** Where the socket of a server with this database is; undefined where it can have none. */
export function controlPath(databasePath: string): string | undefined {
  const path = `${databasePath}.control`
  return databasePath === ':memory:' || Buffer.byteLength(path) > MAX_PATH_BYTES ? undefined : path
}

/** Answers on the socket until disposed of. The caller holds the database's lock, so a socket left behind is nobody's. */
export async function startControl(path: string, desk: Pick<AccountDesk, 'createAccount'>): Promise<AsyncDisposable> {
  if (existsSync(path)) unlinkSync(path)
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    // Whoever asked has gone away.
    socket.on('error', () => socket.destroy())
    void answer(socket, desk)
  })
  const umask = process.umask(0o177)
  server.listen(path)
  process.umask(umask)
  await once(server, 'listening')
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(socket: Socket, desk: Pick<AccountDesk, 'createAccount'>): Promise<void> {
  const result = await createAccount(await text(socket).catch(() => ''), desk).catch(failure)
  socket.end(JSON.stringify(result))
}

async function createAccount(asked: string, desk: Pick<AccountDesk, 'createAccount'>): Promise<JsonObject> {
  const account: unknown = JSON.parse(asked)
  if (!Check(createAccountRequest, account)) throw badJson()
  return { user_id: await desk.createAccount(account) }
}

const failure = (cause: unknown): JsonObject =>
  cause instanceof MatrixError ? { ...cause.toJSON(), status: cause.status } : { error: String(cause), status: 500 }

/** The accounts of the server that has this socket. */
export function controlledDesk(path: string): AccountDesk {
  return {
    createAccount: async (account) => userIdOf(await request(path, account)),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

async function request(path: string, value: Json): Promise<JsonObject> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (cause) {
    throw new OperatorError(`The database is in use, but the server does not answer at ${path}: ${String(cause)}`)
  }
  socket.end(JSON.stringify(value))
  const answered: unknown = JSON.parse(await text(socket))
  return isJsonObject(answered) ? answered : {}
}

function userIdOf(answered: JsonObject): UserId {
  const userId = stringAt(answered, 'user_id')
  if (userId !== undefined && isUserId(userId)) return userId
  const status = typeof answered['status'] === 'number' ? answered['status'] : 500
  throw new MatrixError(
    status,
    stringAt(answered, 'errcode') ?? 'M_UNKNOWN',
    stringAt(answered, 'error') ?? 'The server gave no answer',
  )
}
