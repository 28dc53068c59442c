import type { UserId } from '../../schemas/ids.ts'
import { forbidden } from '../core/errors.ts'
import type { Requester } from '../core/requester.ts'

/** For paths that name a user who has to be the requester. @throws {MatrixError} M_FORBIDDEN */
export function assertOwn(requester: Requester, userId: UserId): void {
  if (requester.userId !== userId) throw forbidden('That belongs to another user')
}
