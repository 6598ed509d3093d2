/** Asks a running node over its admin API. */
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { parseHostPort, formatHostPort } from '../app/config/endpoint.ts'

const TIMEOUT_MS = 15_000

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
  try {
    return await fetched(`${base}${path}`, token)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return {
      status: undefined,
      reason: `no running node answers at ${base} (${code ?? message}); --admin names another`,
    }
  }
}

/** Not by `fetch`, which refuses the ports that browsers refuse, such as 10080: a node may well listen there. */
async function fetched(url: string, token: string | undefined): Promise<RawAnswer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const ask = url.startsWith('https:') ? https.request : http.request
  const sent = ask(url, { headers, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }).end()
  const [response] = (await once(sent, 'response')) as [http.IncomingMessage]
  const { statusCode = 0, statusMessage = '' } = response
  return { status: statusCode, statusText: statusMessage, body: JSON.parse(await text(response)) as unknown }
}
