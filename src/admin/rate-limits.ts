import { getRateLimits, removeRateLimits, setRateLimits } from '../../schemas/admin/rate-limits.ts'
import { invalidParam } from '../core/errors.ts'
import { type Route, route } from '../http/route.ts'
import type { RateLimitOverride } from '../storage/rate-limit-overrides.ts'
import type { AccountModeration } from '../users/moderation.ts'

export const rateLimitRoutes = ({ moderation }: { moderation: AccountModeration }): Route[] => [
  route(getRateLimits, async ({ params: { userId } }) => {
    const override = await moderation.rateLimitsOf(userId)
    return override ? answer(override) : {}
  }),
  route(setRateLimits, async ({ params: { userId }, body }) => {
    const override = { messagesPerSecond: body.messages_per_second ?? 0, burstCount: body.burst_count ?? 0 }
    // One without the other would let nothing through, ever.
    if ((override.messagesPerSecond === 0) !== (override.burstCount === 0)) throw invalidParam('Give both numbers, or 0 for both')
    await moderation.setRateLimits(userId, override)
    return answer(override)
  }),
  route(removeRateLimits, async ({ params: { userId } }) => {
    await moderation.setRateLimits(userId, undefined)
    return {}
  }),
]

const answer = ({ messagesPerSecond, burstCount }: RateLimitOverride) => ({
  messages_per_second: messagesPerSecond,
  burst_count: burstCount,
})
