import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { EduSender } from '../rooms/edus.ts'
import { PushSubjects } from '../rooms/push-subjects.ts'
import { ReadMarkers } from '../rooms/read-markers.ts'
import { Receipts } from '../rooms/receipts.ts'
import { StateAtPosition } from '../rooms/state-at-position.ts'
import { StrippedStates } from '../rooms/stripped-state.ts'
import { Tags } from '../rooms/tags.ts'
import { Typing } from '../rooms/typing.ts'
import { UnreadCounts } from '../rooms/unread-counts.ts'
import { Notifier } from '../streams/notifier.ts'
import { TypingUsers } from '../streams/typing.ts'
import { EventTexts, type PduSource } from '../sync/event-texts.ts'
import type { SyncExtension } from '../sync/extension.ts'
import { SyncFilters } from '../sync/filters.ts'
import { LazyMembers } from '../sync/lazy-members.ts'
import { Sync } from '../sync/long-poll.ts'
import { RoomSections } from '../sync/room-sections.ts'
import { RoomStateReader } from '../sync/room-state.ts'
import { RoomSummaries } from '../sync/room-summary.ts'
import { SectionContents } from '../sync/section-contents.ts'
import { ReceiptStream } from '../sync/streams/receipts.ts'
import { SyncBuilder } from '../sync/builder.ts'
import { AccountData } from '../users/account-data.ts'
import { PushRules } from '../users/push-rules.ts'
import type { RoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'

export type UserStreams = ReturnType<typeof createUserStreams>

/** Who is to be told of changes, and what users have in rooms beside the rooms' events: receipts, typing, tags, unread counts. `signal` aborts when the server stops. */
export function createUserStreams(clock: Clock, storage: Storage, core: RoomCore, edus: EduSender, signal: AbortSignal) {
  const { db } = storage
  const tables = { accountData: storage.accountData, table: storage.receipts }
  const pushRules = new PushRules({ db, table: storage.pushRules })
  const accountData = new AccountData({ db, table: storage.accountData, pushRules })
  const typingUsers = new TypingUsers({ db, clock, signal })
  const receipts = new Receipts({ ...storage, ...tables, clock, edus })
  const pushSubjects = new PushSubjects({ ...storage, ...core })
  return {
    notifier: new Notifier({ ...storage, clock }),
    pushRules,
    accountData,
    typingUsers,
    receipts,
    pushSubjects,
    typing: new Typing({ ...storage, typing: typingUsers, edus }),
    tags: new Tags(storage),
    readMarkers: new ReadMarkers({ ...storage, receipts }),
    unreadCounts: new UnreadCounts({ ...storage, accountData, pushRules, pushSubjects }),
  }
}

/** `/sync` and who waits for it. */
export function createSync(
  config: Config,
  clock: Clock,
  storage: Storage,
  core: RoomCore,
  streams: UserStreams,
  pdus: PduSource,
  extensions: readonly SyncExtension[],
) {
  const { notifier } = streams
  const stateAtPosition = new StateAtPosition(storage)
  const roomState = new RoomStateReader({ ...storage, stateAtPosition })
  const sections = new RoomSections({
    ...storage,
    ...core,
    ...streams,
    clock,
    stateAtPosition,
    contents: new SectionContents({ ...storage, ...core, stateAtPosition, roomState }),
    texts: new EventTexts({ ...core, pdus }),
    summaries: new RoomSummaries({ ...storage, ...core }),
    lazyMembers: new LazyMembers(storage),
    typing: streams.typingUsers,
    receipts: new ReceiptStream(storage.receipts, storage.names),
  })
  const strippedStates = new StrippedStates({ ...storage, ...core })
  const builder = new SyncBuilder({ ...storage, ...core, strippedStates, pushRules: streams.pushRules, sections, extensions })
  return {
    notifier,
    filters: new SyncFilters(storage),
    sync: new Sync({
      ...storage,
      clock,
      notifier,
      accountDataTable: storage.accountData,
      accountData: streams.accountData,
      receiptsTable: storage.receipts,
      builder,
      extensions,
      responseCacheMs: config.sync.responseCacheMs,
    }),
  }
}
