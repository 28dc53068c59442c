import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { EduSender } from '../rooms/edus.ts'
import { PushSubjects } from '../rooms/push-subjects.ts'
import { ReadMarkers } from '../rooms/read-markers.ts'
import { Receipts } from '../rooms/receipts.ts'
import { StateAtPosition } from '../rooms/state-at-position.ts'
import { StrippedStates } from '../rooms/stripped-state.ts'
import { Tags } from '../rooms/tags.ts'
import type { ThreadSubscriptions } from '../rooms/thread-subscriptions.ts'
import { Typing } from '../rooms/typing.ts'
import { UnreadCounts } from '../rooms/unread-counts.ts'
import { Notifications } from '../rooms/notifications.ts'
import { Notifier } from '../streams/notifier.ts'
import { TypingUsers } from '../streams/typing.ts'
import { EventTexts, type PduSource } from '../sync/event-texts.ts'
import type { SyncExtension } from '../sync/extension.ts'
import { LiveAnswers } from '../sync/live-answers.ts'
import { LivePolls, type SyncTexts } from '../sync/live-polls.ts'
import { SyncSockets } from '../sync/sockets.ts'
import { textFrame } from '../http/web-socket.ts'
import type { Logger } from '../core/logger.ts'
import { SyncFilters } from '../sync/filters.ts'
import { LazyMembers } from '../sync/lazy-members.ts'
import { Sync } from '../sync/long-poll.ts'
import { RoomSections } from '../sync/room-sections.ts'
import { RoomStateReader } from '../sync/room-state.ts'
import { RoomSummaries } from '../sync/room-summary.ts'
import { SectionContents } from '../sync/section-contents.ts'
import { ProfileNews } from '../sync/streams/profile-news.ts'
import { ProfileStream } from '../sync/streams/profiles.ts'
import { StickyStream } from '../sync/streams/sticky.ts'
import { ReceiptStream } from '../sync/streams/receipts.ts'
import { SyncBuilder } from '../sync/builder.ts'
import { AccountData } from '../users/account-data.ts'
import { PushRules } from '../users/push-rules.ts'
import type { createDeviceStreams } from './devices.ts'
import type { RoomCore } from './rooms.ts'
import type { Storage } from './storage.ts'
import { SharedTexts } from '../sync/shared-texts.ts'
import { DirectRooms } from '../sync/sliding/direct-rooms.ts'
import { RoomStandings } from '../sync/sliding/room-standing.ts'
import { SlidingSync } from '../sync/sliding/sliding-sync.ts'
import { Connections } from '../sync/sliding/connections.ts'
import { RoomOrders } from '../sync/sliding/room-order.ts'
import { Scopes } from '../sync/sliding/scope.ts'
import { RoomFilterer } from '../sync/sliding/room-filters.ts'
import { RoomResults } from '../sync/sliding/room-results.ts'
import { StateReader } from '../sync/sliding/state-reader.ts'
import { type ExtensionsParts, SlidingExtensions } from '../sync/sliding/extensions.ts'

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
  const unreadCounts = new UnreadCounts({ ...storage, ...core, pushRules, pushSubjects })
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
    unreadCounts,
    notifications: new Notifications({ ...storage, ...core, unreadCounts }),
  }
}

type SyncPieces = ReturnType<typeof createSyncPieces>
type DeviceStreams = ReturnType<typeof createDeviceStreams>

/** What `/sync` and sliding sync are made of. */
function createSyncPieces(clock: Clock, storage: Storage, core: RoomCore, pdus: PduSource) {
  const stateAtPosition = new StateAtPosition(storage)
  const roomState = new RoomStateReader({ ...storage, stateAtPosition })
  const texts = new EventTexts({ ...core, pdus })
  return {
    stateAtPosition,
    roomState,
    contents: new SectionContents({ ...storage, ...core, stateAtPosition, roomState }),
    texts,
    stickyStream: new StickyStream({ ...storage, clock, texts }),
    sharedTexts: new SharedTexts({ ...core, clock, texts }),
    summaries: new RoomSummaries({ ...storage, ...core }),
    lazyMembers: new LazyMembers(storage),
    receiptStream: new ReceiptStream(storage.receipts, storage.names),
    strippedStates: new StrippedStates({ ...storage, ...core }),
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
  deviceStreams: DeviceStreams,
  otherStreams: readonly SyncExtension[],
) {
  const { notifier } = streams
  const profileNews = new ProfileNews({ ...storage, serverName: config.serverName })
  const extensions = [...Object.values(deviceStreams), ...otherStreams, new ProfileStream(profileNews)]
  const pieces = createSyncPieces(clock, storage, core, pdus)
  const sections = new RoomSections({
    ...storage,
    ...core,
    ...streams,
    ...pieces,
    typing: streams.typingUsers,
    receipts: pieces.receiptStream,
  })
  const builder = new SyncBuilder({ ...storage, ...core, ...pieces, pushRules: streams.pushRules, sections, extensions })
  const liveParts = { ...storage, ...core, ...streams, ...pieces, receipts: storage.receipts, sections, ...deviceStreams }
  const liveAnswers = new LiveAnswers<SyncTexts>({ ...liveParts, frameOf: (text) => [text] })
  return {
    notifier,
    profileNews,
    filters: new SyncFilters(storage),
    syncPieces: pieces,
    liveParts,
    sync: new Sync({
      ...storage,
      ...core,
      clock,
      notifier,
      accountDataTable: storage.accountData,
      receiptsTable: storage.receipts,
      builder,
      extensions,
      livePolls: new LivePolls({ notifier, liveAnswers }),
      responseCacheMs: config.sync.responseCacheMs,
    }),
  }
}

/** `/sync` over WebSockets. */
export function createSyncSockets(
  config: Config,
  clock: Clock,
  log: Logger,
  storage: Storage,
  streams: UserStreams,
  { sync, liveParts }: Pick<ReturnType<typeof createSync>, 'sync' | 'liveParts'>,
): SyncSockets {
  const frameOf = textFrame
  const liveAnswers = new LiveAnswers({ ...liveParts, frameOf })
  const maxOfAddress = config.sync.maxSocketsPerAddress
  return new SyncSockets({ ...storage, clock, log, notifier: streams.notifier, sync, liveAnswers, frameOf, maxOfAddress })
}

/** The streams that sliding sync shares with `/sync`. */
export interface SlidingStreams {
  readonly toDeviceStream: ExtensionsParts['toDeviceStream']
  readonly deviceListStream: SyncExtension
  readonly keyCountStream: SyncExtension
  readonly presenceStream: SyncExtension
  readonly threadSubscriptions: ThreadSubscriptions
}

/** Sliding sync, over the pieces of `/sync`. */
export function createSlidingSync(
  clock: Clock,
  storage: Storage,
  core: RoomCore,
  streams: UserStreams,
  { syncPieces, filters, profileNews }: { syncPieces: SyncPieces; filters: SyncFilters; profileNews: ProfileNews },
  others: SlidingStreams,
) {
  const directRooms = new DirectRooms(storage)
  const standings = new RoomStandings({ ...storage, ...core })
  const parts = { ...storage, ...core, ...syncPieces, filters, profileNews, notifier: streams.notifier, directRooms, standings }
  return {
    slidingSync: new SlidingSync({
      ...parts,
      clock,
      connections: new Connections(),
      orders: new RoomOrders(parts),
      scopes: new Scopes({ ...parts, filterer: new RoomFilterer(parts) }),
      results: new RoomResults({ ...parts, unreadCounts: streams.unreadCounts, stateReader: new StateReader(parts) }),
      extensions: new SlidingExtensions({ ...parts, ...others, pushRules: streams.pushRules, typingUsers: streams.typingUsers }),
      presence: others.presenceStream,
    }),
  }
}
