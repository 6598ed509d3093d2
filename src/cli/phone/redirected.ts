/** Where a redirected request goes next (RFC 3261 s.8.1.3.4). */
import { parseUri, type Address, type Response } from 'sip'

/** A Request-URI, and the way to it; with no route the URI is the way. */
export interface Goal {
  readonly uri: string
  readonly route: readonly Address[]
}

/** Transports by which a phone goes where it is sent, its own first. Over TLS to nowhere: the library knows no sips. */
const USABLE = { udp: ['udp', 'tcp'], tcp: ['tcp', 'udp'], tls: [] } as const

/** Contacts of redirections that one request tries. */
const GOALS_MAX = 10

/**
 * Sends to `first`, and on to where redirections lead, one Contact after the other until one accepts or declines for all. Resolves with
 * the last final response; rejects as the last `send` did when nobody answered there. Responses that were not the last are progress.
 */
export async function follow(
  first: Goal,
  own: keyof typeof USABLE,
  send: (goal: Goal) => Promise<Response>,
  onProgress: (response: Response) => void,
): Promise<Response> {
  const seen = new Set<string>()
  const goals = [first]
  for (;;) {
    const goal = goals.shift() as Goal
    const response = await send(goal).catch((error: unknown) => {
      if (goals.length === 0) throw error
      return undefined
    })
    if (response === undefined) continue
    for (const next of goalsOf(response, goal.uri, own).reverse()) {
      const name = JSON.stringify(next)
      if (seen.size < GOALS_MAX && !seen.has(name)) goals.unshift(next)
      seen.add(name)
    }
    if (goals.length === 0 || response.status < 300 || response.status >= 600) return response
    onProgress(response)
  }
}

/** The Contacts of a 3xx to a request for `asked`, the best first, that this phone can reach; none of any other response. */
function goalsOf(response: Response, asked: string, own: keyof typeof USABLE): Goal[] {
  if (response.status < 300 || response.status > 399) return []
  return [...(response.headers.contact ?? [])]
    .sort((a, b) => preference(b) - preference(a))
    .flatMap(({ uri }): Goal[] => {
      const target = parseUri(uri)
      const wanted = target?.params['transport']?.toLowerCase() ?? own
      const transport = USABLE[own].find((each) => each === wanted)
      if (target?.schema !== 'sip' || transport === undefined) return []
      const host = target.params['maddr'] ?? target.host
      // The library has NaN or 0 where a URI has no port.
      const port = target.port ? `:${target.port}` : ''
      const way = { uri: `sip:${host}${port};transport=${transport};lr`, params: {} }
      // 305: the Contact is a proxy for the same address (s.21.3.4).
      if (response.status === 305) return [{ uri: asked, route: [way] }]
      // What stands behind `?` is for the headers of the next request; this phone adds none.
      const plain = uri.split('?')[0] as string
      return [{ uri: plain, route: target.params['maddr'] === undefined ? [] : [way] }]
    })
}

function preference({ params }: Address): number {
  const q = Number(params['q'] ?? 1)
  return Number.isNaN(q) ? 0 : q
}
