import { authStateKeys } from '../protocol/auth-events.ts'
import { type AuthVerdict, authorise } from '../protocol/event-auth/index.ts'
import type { Event } from '../protocol/event.ts'
import type { RoomStates } from './state.ts'

/** Whether the authorisation rules allow an event in the state at `root`. */
export async function allowedIn(states: RoomStates, root: number, event: Event): Promise<AuthVerdict> {
  const { find } = await states.lookup(root, [
    { type: 'm.room.create', stateKey: '' },
    ...authStateKeys(event, event.rules).filter(({ type }) => type !== 'm.room.create'),
  ])
  return authorise(event, find)
}
