/** Asks a running node over its admin API. */
import { parseHostPort, formatHostPort } from '../app/config/endpoint.ts'

const TIMEOUT_MS = 15_000

export type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly status: number | undefined; readonly reason: string }

/** `admin` is `host:port` or a URL. Never rejects. */
export async function ask(admin: string, path: string, token: string | undefined): Promise<Answer> {
  const base = /^https?:\/\//.test(admin)
    ? admin.replace(/\/$/, '')
    : `http://${formatHostPort(parseHostPort(admin, 'admin', 8080))}`
  try {
    const response = await fetch(`${base}${path}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const body: unknown = await response.json()
    if (response.ok) return { ok: true, body }
    const reason = (body as { error?: unknown } | null)?.error
    return {
      ok: false,
      status: response.status,
      reason: typeof reason === 'string' ? reason : response.statusText,
    }
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code
    return {
      ok: false,
      status: undefined,
      reason: `no running node answers at ${base} (${cause ?? (error as Error).message}); --admin names another`,
    }
  }
}
