import { at, type Scenario } from '../scenario.ts'

const PAGES = 20
const PAGE = 100

/** A unit is an event. */
export const messages: Scenario = {
  title: 'an event of /messages, pages of 100',
  mark: { cpuMs: 0.02 },
  run: async ({ users, measure }) => {
    const people = await users(10)
    const room = await at(people, 0).createRoom()
    for (const user of people.slice(1)) await user.join(room)
    const senders = people.map(async (user) => {
      for (let sent = 0; sent < (PAGES * PAGE) / people.length; sent++) await user.send(room)
    })
    await Promise.all(senders)
    const page = (from: string | undefined) =>
      `rooms/${room}/messages?dir=b&limit=${PAGE}${from === undefined ? '' : `&from=${from}`}`
    const pages = [page(undefined)]
    while (pages.length < PAGES) {
      const { end } = await at(people, 0).json<{ end?: string }>('GET', at(pages, pages.length - 1))
      pages.push(page(end))
    }
    return measure({ lanes: 2, warmUp: 200, count: 600, units: PAGE }, (index, lane) =>
      at(people, lane).call('GET', at(pages, index)),
    )
  },
}
