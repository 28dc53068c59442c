/** What the command line asks of the composition root, src/app.ts. */
import type { UserId } from '../../schemas/ids.ts'
import type { Config } from '../config/schema.ts'

/** A server that listens. Disposing of it stops it: open requests are answered, queues come to rest, the database closes. */
export interface RunningApp extends AsyncDisposable {
  /** Where it listens, e.g. `http://127.0.0.1:8008`. */
  readonly urls: readonly string[]
  /** The link on which the first account is made; undefined once there is one. */
  readonly setupLink: string | undefined
}

/** The accounts in the database of a server that may be running or not. */
export interface AccountDesk extends AsyncDisposable {
  /** Throws MatrixError where the name is taken or will not do, or the password is too weak. */
  createAccount(account: { localpart: string; password: string; admin: boolean }): Promise<UserId>
}

export interface Program {
  startApp(config: Config): Promise<RunningApp>
  openAccounts(config: Config): Promise<AccountDesk>
}
