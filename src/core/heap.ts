/** A binary heap: takes values in any order and hands out the smallest first. */
export class Heap<T> {
  readonly #compare: (x: T, y: T) => number
  readonly #values: T[] = []

  constructor(compare: (x: T, y: T) => number) {
    this.#compare = compare
  }

  get size(): number {
    return this.#values.length
  }

  push(value: T): void {
    const values = this.#values
    let index = values.length
    values.push(value)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#before(index, parent)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  pop(): T | undefined {
    const values = this.#values
    this.#swap(0, values.length - 1)
    const smallest = values.pop()
    let index = 0
    for (let child = this.#smallerChild(index); child !== undefined; child = this.#smallerChild(index)) {
      if (!this.#before(child, index)) break
      this.#swap(index, child)
      index = child
    }
    return smallest
  }

  #smallerChild(index: number): number | undefined {
    const left = 2 * index + 1
    if (left >= this.#values.length) return undefined
    return this.#before(left + 1, left) ? left + 1 : left
  }

  #before(index: number, other: number): boolean {
    const [x, y] = [this.#values[index], this.#values[other]]
    return x !== undefined && y !== undefined && this.#compare(x, y) < 0
  }

  #swap(index: number, other: number): void {
    const [x, y] = [this.#values[index], this.#values[other]]
    if (x === undefined || y === undefined) return
    this.#values[index] = y
    this.#values[other] = x
  }
}
