/** Asks a running node over its admin API. */
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
    const response = await fetch(`${base}${path}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const { status, statusText } = response
    return { status, statusText, body: await response.json() }
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code
    return {
      status: undefined,
      reason: `no running node answers at ${base} (${cause ?? (error as Error).message}); --admin names another`,
    }
  }
}
