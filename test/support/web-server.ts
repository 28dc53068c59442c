/** A web server on this machine, for what a homeserver asks of others: a CAS server, an identity server, a reCAPTCHA. */
import { createServer as createPlain, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTls } from 'node:https'
import { text } from 'node:stream/consumers'

export interface WebRequest {
  readonly method: string
  /** With query. */
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** What is answered; an object as JSON. */
export type WebAnswer = { status?: number; headers?: Record<string, string>; body: string | object }

/** Answers every request with what `answer` gives. Disposing stops it. */
export async function webServer(
  answer: (request: WebRequest) => WebAnswer | Promise<WebAnswer>,
  tls?: { readonly cert: string; readonly key: string },
) {
  const requests: WebRequest[] = []
  const listener: RequestListener = async (incoming, response) => {
    const { method = '', headers } = incoming
    const request = { method, headers, url: new URL(incoming.url ?? '', 'http://here'), body: await text(incoming) }
    requests.push(request)
    const { status = 200, headers: more, body } = await answer(request)
    const isText = typeof body === 'string'
    response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...more })
    response.end(isText ? body : JSON.stringify(body))
  }
  const server = tls ? createTls(tls, listener) : createPlain(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    requests,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
