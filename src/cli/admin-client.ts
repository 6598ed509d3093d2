/** Asks a running node over its admin API. */
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { parseHostPort, formatHostPort } from '../app/config/endpoint.ts'

const TIMEOUT_MS = 15_000
/** With another place to ask. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const REDIRECTS_MAX = 5

export type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly status: number | undefined; readonly reason: string }

/** What came back, whatever its status; without one nobody answered. */
export type RawAnswer =
  | { readonly status: number; readonly statusText: string; readonly body: unknown }
  | { readonly status: undefined; readonly reason: string }

/** `admin` is `host:port` or a URL. Never rejects. */
export async function ask(admin: string, path: string, token: string | undefined): Promise<Answer> {
  const answer = await question(admin, path, token)
  if (answer.status === undefined) return { ok: false, ...answer }
  const { status, statusText, body } = answer
  if (status >= 200 && status < 300) return { ok: true, body }
  const reason = (body as { error?: unknown } | null)?.error
  return { ok: false, status, reason: typeof reason === 'string' ? reason : statusText }
}

/** The same, with the body of a refusal. */
export async function question(admin: string, path: string, token: string | undefined): Promise<RawAnswer> {
  const base = /^https?:\/\//.test(admin)
    ? admin.replace(/\/$/, '')
    : `http://${formatHostPort(parseHostPort(admin, 'admin', 8080))}`
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  try {
    return await fetched(`${base}${path}`, token, signal)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = signal.aborted ? `nothing within ${TIMEOUT_MS / 1000} s` : (code ?? message)
    return { status: undefined, reason: `no running node answers at ${base} (${why}); --admin names another` }
  }
}

async function fetched(url: string, token: string | undefined, signal: AbortSignal): Promise<RawAnswer> {
  const response = await followed(new URL(url), token, signal)
  const { statusCode = 0, statusMessage = '' } = response
  return { status: statusCode, statusText: statusMessage, body: json(await text(response), statusCode) }
}

/** A proxy before a node may send everybody to its https. The token is for the node that was named, and for no other. */
async function followed(
  first: URL,
  token: string | undefined,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  let url = first
  for (let left = REDIRECTS_MAX; ; left--) {
    const response = await asked(url, url.origin === first.origin ? token : undefined, signal)
    const { location } = response.headers
    if (!REDIRECTS.has(response.statusCode ?? 0) || location === undefined) return response
    response.destroy()
    if (left === 0) throw new Error('one redirect after the other')
    url = new URL(location, url)
  }
}

/** Not by `fetch`, which refuses the ports that browsers refuse, such as 10080: a node may well listen there. */
async function asked(
  url: URL,
  token: string | undefined,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const send = url.protocol === 'https:' ? https.request : http.request
  const sent = send(url, { headers, agent: false, signal }).end()
  const [response] = (await once(sent, 'response')) as [http.IncomingMessage]
  return response
}

function json(body: string, status: number): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new Error(`status ${status}, and what comes with it is not JSON`, { cause })
  }
}
