/**
 * Proxies that say of themselves, in the overlay, that they serve a domain (M-30). Asked for when a redirect server needs one and has none
 * by configuration; what was found serves the redirections of the next minute. Does no I/O.
 */
import { BoundedCache } from '../../common/bounded-cache.ts'
import { OpenQuestions } from '../../common/open-questions.ts'
import type { Millis } from '../../common/time.ts'
import { isIpv4, isIpv6, PROXY_USER } from '../message/index.ts'
import type { RedirectProxy } from './redirect-proxies.ts'

/** A proxy with the node that it is, by its name in hex. */
export interface KnownProxy extends RedirectProxy {
  readonly node: string | undefined
}

/** As `LocatedTarget`, as far as it matters here. */
export interface RecordTarget {
  readonly kind: 'peer' | 'local' | 'uri'
  readonly node?: string | undefined
  readonly addresses?: readonly string[] | undefined
}

/** Judgement: a proxy that has died is named to phones for no longer than that. */
const VALID_MS: Millis = 60_000
/** Judgement: an overlay that did not answer is asked again after that. */
const ASK_AGAIN_MS: Millis = 2_000
/** Domains remembered; redirect servers have a handful. */
const DOMAINS_MAX = 64
/** Of one domain; more help nobody. */
const PROXIES_MAX = 16
const ANSWER_GRACE_MS: Millis = 1_000

interface Known {
  readonly proxies: readonly KnownProxy[]
  readonly until: Millis
}

/** `T`: who waits for the answer. */
export class ProxyRecords<T> {
  private readonly known = new BoundedCache<Known>(DOMAINS_MAX)
  private readonly open = new OpenQuestions<string>()
  private readonly waiting = new Map<string, T[]>()
  private readonly ask: (aor: string) => { readonly id: number; readonly budgetMs: Millis }

  constructor(ask: (aor: string) => { readonly id: number; readonly budgetMs: Millis }) {
    this.ask = ask
  }

  /** Undefined: `ticket` comes back with the answer, from `answered` or `expire`. */
  find(now: Millis, domain: string, ticket: T): readonly KnownProxy[] | undefined {
    const known = this.known.get(domain)
    if (known !== undefined && known.until > now) return known.proxies
    const others = this.waiting.get(domain)
    if (others !== undefined) {
      others.push(ticket)
      return undefined
    }
    if (this.waiting.size >= DOMAINS_MAX) return NONE
    this.waiting.set(domain, [ticket])
    const { id, budgetMs } = this.ask(`${PROXY_USER}@${domain}`)
    this.open.ask(id, domain, now + budgetMs + ANSWER_GRACE_MS)
    return undefined
  }

  /** Those that have waited; undefined when the answer is none of ours. `targets` undefined: the overlay has not answered. */
  answered(now: Millis, id: number, targets: readonly RecordTarget[] | undefined): readonly T[] | undefined {
    const domain = this.open.take(id)
    return domain === undefined ? undefined : this.learnt(now, domain, targets)
  }

  nextDeadline(): Millis {
    return this.open.nextDeadline()
  }

  expire(now: Millis): readonly T[] {
    const given: T[] = []
    for (let lost = this.open.overdue(now); lost !== undefined; lost = this.open.overdue(now))
      given.push(...this.learnt(now, lost, undefined))
    return given
  }

  private learnt(now: Millis, domain: string, targets: readonly RecordTarget[] | undefined): readonly T[] {
    const before = this.known.get(domain)?.proxies ?? NONE
    // Without an answer those from before are better than none.
    const proxies = targets === undefined ? before : targets.flatMap(proxiesOf).slice(0, PROXIES_MAX)
    this.known.set(domain, { proxies, until: now + (targets === undefined ? ASK_AGAIN_MS : VALID_MS) })
    const tickets = this.waiting.get(domain) ?? []
    this.waiting.delete(domain)
    return tickets
  }
}

const NONE: readonly KnownProxy[] = []
const TRANSPORTS: ReadonlySet<string> = new Set(['udp', 'tcp', 'tls'])

/** `198.51.100.7:5060/tcp`. What stands in the overlay goes into URIs for phones: addresses and plain host names, nothing else. */
function proxiesOf({ kind, node, addresses = [] }: RecordTarget): readonly KnownProxy[] {
  if (kind !== 'peer') return NONE
  return addresses.flatMap((text) => {
    const slash = text.lastIndexOf('/')
    const colon = text.lastIndexOf(':', slash)
    const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
    const port = Number(text.slice(colon + 1, slash))
    const transport = text.slice(slash + 1)
    const named = isIpv4(host) || isIpv6(host) || /^[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?$/i.test(host)
    if (colon < 1 || slash < colon || !named || !TRANSPORTS.has(transport)) return []
    return Number.isInteger(port) && port > 0 && port < 65_536 ? [{ host, port, transport, node }] : []
  })
}
