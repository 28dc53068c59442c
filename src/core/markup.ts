/** HTML pages without scripts, in which every value is escaped. */

/** Markup that may go into other markup as it is. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = string | number | Markup | undefined | readonly Markup[]

/** A template whose values are escaped, unless they are markup themselves; `undefined` is left out. */
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...values.map(render)))
}

/** Text for an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Headers for every page: it loads nothing, runs nothing, sits in no frame and names itself to nobody. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
}

/** A whole document in the look of the server's own pages. */
export function page(title: string, body: Markup): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body><main>${LOGO}${body}</main></body>
</html>
`.text
}

function render(value: Value): string {
  if (value === undefined) return ''
  if (value instanceof Markup) return value.text
  return typeof value === 'object' ? value.map(render).join('') : escapeHtml(String(value))
}

/** Stones across water. */
const LOGO = markup`<svg viewBox="0 0 96 32" width="96" height="32" aria-hidden="true">
<g fill="var(--accent)"><rect x="2" y="14" width="18" height="8" rx="4"/><rect x="27" y="9" width="18" height="8" rx="4"/>
<rect x="52" y="9" width="18" height="8" rx="4"/><rect x="77" y="14" width="18" height="8" rx="4"/></g>
<path d="M2 27q6-4 12 0t12 0 12 0 12 0 12 0 12 0 12 0 8-2" fill="none" stroke="var(--faint)" stroke-width="2"/></svg>`

const STYLE = new Markup(`
:root { color-scheme: light dark; --ground: #f5f6f4; --card: #fff; --text: #1d2321; --faint: #66716c; --line: #dde2de; --accent: #0b6b57; --bad: #a4262c }
@media (prefers-color-scheme: dark) {
  :root { --ground: #121615; --card: #1b211f; --text: #e7ecea; --faint: #97a39e; --line: #2e3734; --accent: #4fc3a1; --bad: #ff8a80 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, sans-serif }
main { width: 100%; max-width: 34rem; background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 2rem }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .75rem 0 .25rem; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 1.75rem 0 .25rem }
p { margin: .5rem 0 } ol { padding-left: 1.25rem } li { margin: .35rem 0 }
a { color: var(--accent) } .faint { color: var(--faint) } .bad { color: var(--bad); font-weight: 600 }
code { font-family: ui-monospace, monospace; background: var(--ground); border: 1px solid var(--line); border-radius: 6px; padding: .1rem .4rem;
  overflow-wrap: anywhere; user-select: all }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600 }
input { width: 100%; font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 8px; padding: .6rem .75rem }
button, .button { display: inline-block; margin-top: 1.5rem; font: inherit; font-weight: 600; color: var(--card); background: var(--accent);
  border: 0; border-radius: 8px; padding: .65rem 1.25rem; cursor: pointer; text-decoration: none }
.choice { list-style: none; padding: 0; margin: 1.25rem 0 0 } .choice .button { display: block; margin: 0 0 .75rem; text-align: center }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
`)
