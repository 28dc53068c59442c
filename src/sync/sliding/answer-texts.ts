import type { Rooms } from '../../storage/rooms.ts'
import { roomText } from './room-result.ts'
import type { SlidingAnswer } from './sliding-sync.ts'

/**
 * The pieces of an answer's JSON text.
 * @param stable as `/v4/sync` has it, else as the unstable endpoint
 */
export async function answerTexts(answer: SlidingAnswer, rooms: Rooms, stable: boolean): Promise<string[]> {
  const lists = [...answer.counts].map(([name, count]) => `${JSON.stringify(name)}:{"count":${count}}`)
  const texts = [`{"pos":"${answer.pos}","lists":{${lists.join(',')}},"rooms":{`]
  for (const [roomNid, result] of answer.rooms) {
    const { roomId } = await rooms.get(roomNid)
    texts.push(`${texts.length === 1 ? '' : ','}${JSON.stringify(roomId)}:${roomText(result, stable)}`)
  }
  const extensions = answer.extensions.map(({ name, text }) => `"${name}":${text}`)
  texts.push(`},"extensions":{${extensions.join(',')}}}`)
  return texts
}
