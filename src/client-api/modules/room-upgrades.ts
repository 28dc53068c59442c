import { upgradeRoom } from '../../../schemas/client/room-upgrades.ts'
import { type Route, route } from '../../http/route.ts'
import type { RoomUpgrades } from '../../rooms/upgrade.ts'

export const roomUpgradesRoutes = ({ roomUpgrades }: { roomUpgrades: RoomUpgrades }): Route[] => [
  route(upgradeRoom, async ({ requester, params, body }) => {
    const creators = body.additional_creators ?? []
    return { replacement_room: await roomUpgrades.upgrade(requester, params.roomId, body.new_version, creators) }
  }),
]
