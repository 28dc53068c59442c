import assert from 'node:assert/strict'
import { test } from 'node:test'
import { functionSizes, importsOf } from '../../scripts/source.ts'

const SOURCE = `
// function commented() {
export function plain(a: { b: string }, { c }: { c: number }): Promise<{ d: string }> {
  const braces = '{{{' + \`\${a}{\` + /[{]/.source
  if (c > 1) {
    return { d: 'x' }
  }
}

export class Thing {
  readonly #field = { a: 1 }

  constructor(deps: { db: string }) {
    this.#field = deps
  }

  async *#secret<T>(value: T): AsyncGenerator<T> {
    for (const x of [value]) {
      yield x
    }
  }
}

const arrow = async (
  one: string,
  two: string,
): Promise<void> => {
  await two
}

const table = {
  handler: (x: number) => {
    return x
  },
  method(x: number) {
    return x
  },
}
`

test('functions, methods and arrow functions are measured, control blocks and objects are not', () => {
  assert.deepEqual(
    functionSizes(SOURCE).map(({ name, line, lines }) => `${name} ${line} ${lines}`),
    ['plain 3 6', 'constructor 13 3', '#secret 17 5', 'arrow 24 6', 'handler 32 3', 'method 35 3'],
  )
})

test('imports of all kinds are found', () => {
  const source = `import a, { type B } from './a.ts'
import type {
  C,
} from '../c.ts'
import './d.ts'
export { e } from './e.ts'
export * from './f.ts'
const g = await import('./g.ts')
`
  assert.deepEqual(importsOf(source), ['./a.ts', '../c.ts', './d.ts', './e.ts', './f.ts', './g.ts'])
})
