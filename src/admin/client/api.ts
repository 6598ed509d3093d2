/** The node's API from the page: JSON by fetch, news by a stream. The token, where one is needed, lives in this tab only. */

const TOKEN_KEY = 'ringbridge-token'

export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'ApiError'
    this.status = status
  }
}

export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token)
}

/** Rejects with `ApiError`; status 0 when the node does not answer at all. */
export async function get<T>(path: string): Promise<T> {
  const response = await request(path, 'application/json')
  return (await response.json()) as T
}

export async function getText(path: string): Promise<string> {
  return (await request(path, '*/*')).text()
}

async function request(path: string, accept: string, signal?: AbortSignal): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN_KEY)
  const headers: Record<string, string> = { accept }
  if (token !== null) headers['authorization'] = `Bearer ${token}`
  let response: Response
  try {
    response = await fetch(path, {
      headers,
      credentials: 'omit',
      ...(signal === undefined ? {} : { signal }),
    })
  } catch {
    throw new ApiError(0, 'the node does not answer')
  }
  if (response.ok) return response
  const body = (await response.json().catch(() => undefined)) as { error?: unknown } | undefined
  throw new ApiError(response.status, typeof body?.error === 'string' ? body.error : response.statusText)
}

/** One stream of events; resolves when it ends, rejects with `ApiError` when it cannot be had. */
export async function stream(
  path: string,
  opened: () => void,
  received: (topic: string, data: unknown) => void,
): Promise<void> {
  const response = await request(path, 'text/event-stream')
  const { body } = response
  if (body === null) return
  opened()
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
    if (done || value === undefined) return
    const frames = (rest + value).split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) {
      const topic = /^event: (.*)$/m.exec(frame)?.[1]
      const data = /^data: (.*)$/m.exec(frame)?.[1]
      if (topic !== undefined && data !== undefined) received(topic, JSON.parse(data))
    }
  }
}
