import { randomToken } from '../core/random.ts'
import { CONFIG_OPTION, type Command, type Terminal } from './command.ts'
import { configFor } from './config-file.ts'

const GENERATED_BYTES = 15

/** An account in the server's database, whatever the rules for registration are. */
export const createUser: Command = {
  summary: 'Make an account.',
  options: {
    ...CONFIG_OPTION,
    admin: { help: 'The user administers the server.' },
    'password-stdin': { help: 'Read the password from the standard input; else it is asked for, or generated.' },
  },
  positionals: ['NAME'],
  async run(given, terminal, program) {
    const [localpart = ''] = given.positionals
    const { config } = configFor(given, terminal)
    const { password, isGenerated } = await passwordFrom(terminal, given.options['password-stdin'] === true)
    await using desk = await (await program()).openAccounts(config)
    const userId = await desk.createAccount({ localpart, password, admin: given.options['admin'] === true })
    terminal.out(isGenerated ? `${userId} ${password}\n` : `${userId}\n`)
    return 0
  },
}

async function passwordFrom(terminal: Terminal, fromInput: boolean): Promise<{ password: string; isGenerated: boolean }> {
  if (fromInput) return { password: await terminal.readSecret(''), isGenerated: false }
  const typed = terminal.isInteractive ? await terminal.readSecret('Password (empty: make one up): ') : ''
  return typed === '' ? { password: randomToken(GENERATED_BYTES), isGenerated: true } : { password: typed, isGenerated: false }
}
