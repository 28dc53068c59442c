/** Unsigned LEB128 integers up to 2^53 - 1, as the binary layouts of the tables use them. */
export class VarintWriter {
  #buffer: Buffer
  #length = 0

  constructor(size = 256) {
    this.#buffer = Buffer.allocUnsafe(size)
  }

  integer(value: number): this {
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#length++] = rest
    return this
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length)
    this.#buffer.set(value, this.#length)
    this.#length += value.length
    return this
  }

  text(value: string): this {
    const size = Buffer.byteLength(value)
    this.integer(size)
    this.#reserve(size)
    this.#length += this.#buffer.write(value, this.#length, size, 'utf8')
    return this
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

export class VarintReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get done(): boolean {
    return this.#at >= this.#buffer.length
  }

  integer(): number {
    let value = 0
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#buffer[this.#at++]
      if (byte === undefined) throw new Error('a stored value ends too early')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }

  bytes(size: number): Buffer {
    this.#at += size
    return this.#buffer.subarray(this.#at - size, this.#at)
  }

  text(): string {
    const size = this.integer()
    this.#at += size
    return this.#buffer.toString('utf8', this.#at - size, this.#at)
  }
}

/** A list of integers as one blob. */
export function packIntegers(values: readonly number[]): Buffer {
  const writer = new VarintWriter(values.length * 5 + 1)
  for (const value of values) writer.integer(value)
  return writer.finish()
}

export function unpackIntegers(bytes: Uint8Array): number[] {
  const reader = new VarintReader(bytes)
  const values: number[] = []
  while (!reader.done) values.push(reader.integer())
  return values
}
