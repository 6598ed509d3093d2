/** Bytes that are no HTTP request: answered in the form of every other failure, on the bare connection. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

const STATUSES: Readonly<Record<string, readonly [status: number, error: string]>> = {
  HPE_INVALID_METHOD: [400, 'no such method'],
  HPE_HEADER_OVERFLOW: [431, 'the header is too long'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come to its end'],
}

/** Handler of the server's `clientError`. */
export function refuseUnreadable({ code }: { readonly code?: string }, socket: Socket): void {
  // Nobody is there to read an answer.
  if (code === 'ECONNRESET' || socket.destroyed) return
  const [status, error] = STATUSES[code ?? ''] ?? [400, 'this is no HTTP request']
  const body = JSON.stringify({ error })
  if (socket.writable)
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: application/json; charset=utf-8\r\n` +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    )
  socket.destroySoon()
}
