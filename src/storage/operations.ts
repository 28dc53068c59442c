/**
 * The writes of a batch as bytes: what the main thread queues and the writer's thread executes.
 * One group of batches crosses the thread boundary as one transferred buffer: no structured clone of rows.
 */

/** What SQL takes as a parameter: integers must be safe, text is UTF-8, bytes are stored as they are. */
export type SqlValue = null | number | string | Uint8Array

const TAG = { null: 0, integer: 1, negative: 2, real: 3, text: 4, bytes: 5 } as const

/** Appends operations to one growing buffer. */
export class OperationEncoder {
  #buffer = Buffer.allocUnsafeSlow(16 * 1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  add(statement: number, values: readonly SqlValue[]): void {
    this.#varint(statement)
    this.#varint(values.length)
    for (const value of values) this.#value(value)
  }

  /** The bytes so far; the encoder is spent. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.buffer as ArrayBuffer, 0, this.#length)
  }

  #value(value: SqlValue): void {
    if (value === null) this.#byte(TAG.null)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'string') this.#text(value)
    else this.#bytes(value)
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value)) {
      this.#byte(value < 0 ? TAG.negative : TAG.integer)
      this.#varint(Math.abs(value))
      return
    }
    this.#byte(TAG.real)
    this.#reserve(8)
    this.#length = this.#buffer.writeDoubleLE(value, this.#length)
  }

  #text(value: string): void {
    const size = Buffer.byteLength(value)
    this.#byte(TAG.text)
    this.#varint(size)
    this.#reserve(size)
    this.#length += this.#buffer.write(value, this.#length, size, 'utf8')
  }

  #bytes(value: Uint8Array): void {
    this.#byte(TAG.bytes)
    this.#varint(value.length)
    this.#reserve(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
  }

  #varint(value: number): void {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#length++] = rest
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + size))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** Calls `run` for each operation in `bytes`, in order. */
export function decodeOperations(bytes: Uint8Array, run: (statement: number, values: SqlValue[]) => void): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = buffer[at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
  const readValue = (): SqlValue => {
    const tag = buffer[at++]
    if (tag === TAG.null) return null
    if (tag === TAG.integer) return varint()
    if (tag === TAG.negative) return -varint()
    if (tag === TAG.real) {
      at += 8
      return buffer.readDoubleLE(at - 8)
    }
    const size = varint()
    at += size
    return tag === TAG.text ? buffer.toString('utf8', at - size, at) : buffer.subarray(at - size, at)
  }
  while (at < buffer.length) {
    const statement = varint()
    const values = Array.from({ length: varint() }, readValue)
    run(statement, values)
  }
}
