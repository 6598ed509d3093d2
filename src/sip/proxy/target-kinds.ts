/** Targets of each kind: what the Request-URI becomes and how the next hop is reached (adapter-mapping s.4.3). */
import type { Transport } from '../transaction/hop.ts'
import { escapeUser, formatUri, parseUri, pathUri, type SipMessage, type SipUri } from '../message/index.ts'
import type { LocalBinding } from './ports.ts'
import type { Target, TargetPath, Way } from './targets.ts'

const NO_ROUTES: readonly string[] = []

export function bindingTarget(binding: LocalBinding, depth: number): Target | undefined {
  const uri = parseUri(binding.contact)
  if (uri === undefined) return undefined
  const requestUri = requestUriOf(uri)
  const gr = uri.params.get('gr')
  const way: Way =
    binding.kind === 'node' && gr !== undefined
      ? { kind: 'peer', address: `gr:${gr}`, secure: uri.scheme === 'sips' }
      : (pathWay(binding) ?? { kind: 'hop', hop: binding.reach })
  const { reach } = binding
  return {
    uri: requestUri,
    routes: binding.path,
    way,
    q: binding.q,
    key:
      way.kind === 'peer'
        ? `${way.address} ${requestUri}`
        : way.kind === 'host'
          ? `${requestUri} by ${binding.path.join()}`
          : `${requestUri} ${reach.transport} ${reach.flow} ${reach.host} ${reach.port}`,
    instance: binding.instance,
    regId: binding.regId,
    registeredAt: binding.registeredAt,
    registration: binding.callId,
    path: depth > 0 || binding.kind === 'node' ? 'overlay' : 'local',
    line: undefined,
  }
}

/**
 * By the first proxy of a Path or a Record-Route (RFC 3327 s.5.4, RFC 3261 s.16.6 item 6), as its URI says (RFC 3263); by `reach`, the way that
 * it came, where that leads nowhere. Undefined when that is the only way.
 */
export function pathWay({
  path,
  pinned,
  reach,
}: Pick<LocalBinding, 'path' | 'pinned' | 'reach'>): Way | undefined {
  const first = pathUri({ path, pinned, source: reach.host })
  const way = first === undefined ? undefined : hostTarget(first.raw, first, 'local')?.way
  return way?.kind === 'host' ? { ...way, notUs: true, otherwise: reach } : undefined
}

/** A node of the overlay; it gets the AOR as Request-URI, in the scheme of the request, and looks its phones up itself. */
export function peerTarget(
  request: SipMessage,
  address: string,
  aor: string | undefined,
  secure: boolean,
  marks?: readonly string[],
): Target {
  const scheme = request.uri?.scheme === 'sips' ? 'sips' : 'sip'
  const uri = aor === undefined ? withoutHops(request) : `${scheme}:${aorUri(aor)}`
  return {
    uri,
    routes: NO_ROUTES,
    way: { kind: 'peer', address, secure },
    q: 1000,
    // It may stand for several users, each of whom it looks up by the Request-URI (M-20).
    key: `${address} ${uri}`,
    instance: undefined,
    regId: undefined,
    registeredAt: 0,
    path: 'overlay',
    marks,
    line: undefined,
  }
}

/** A host by RFC 3263, over TLS where `sips` asks for it; undefined when the transport it wants is none of ours. */
export function hostTarget(
  requestUri: string,
  next: SipUri,
  path: TargetPath,
  sips = false,
): Target | undefined {
  const transport = next.params.get('transport')?.toLowerCase()
  if (transport !== undefined && !isTransport(transport)) return undefined
  const secure = sips || next.scheme === 'sips' || transport === 'tls'
  // RFC 3261 s.19.1.2: sips means TLS, which datagrams do not have.
  if (secure && transport === 'udp') return undefined
  const host = next.params.get('maddr') ?? next.host
  // RFC 7118 s.5.3, RFC 2606: names that browsers make up for themselves; nobody is asked where they are.
  if (host.endsWith('.invalid')) return undefined
  return {
    uri: requestUri,
    routes: NO_ROUTES,
    way: {
      kind: 'host',
      host,
      port: next.port,
      transport: secure && transport === 'tcp' ? 'tls' : transport,
      secure,
      domain: next.host,
      notUs: false,
    },
    q: 1000,
    key: `host ${requestUri}`,
    instance: undefined,
    regId: undefined,
    registeredAt: 0,
    path,
    line: undefined,
  }
}

/** Those over which requests are sent to hosts. RFC 7118: a WebSocket is opened by the phone and by nobody else. */
function isTransport(text: string): text is Transport {
  return text === 'udp' || text === 'tcp' || text === 'tls'
}

/** RFC 3261 s.16.6 item 2 and s.19.1.5: what must not stand in a Request-URI is left out, escaped headers above all. */
export function requestUriOf(uri: SipUri): string {
  const { raw, headers } = uri
  if (!uri.params.has('method')) return headers === undefined ? raw : raw.slice(0, -headers.length - 1)
  const params = new Map(uri.params)
  params.delete('method')
  return formatUri({ ...uri, params, headers: undefined })
}

/** An AOR as it stands in a URI. */
export function aorUri(aor: string): string {
  const at = aor.lastIndexOf('@')
  return `${escapeUser(aor.slice(0, at))}@${aor.slice(at + 1)}`
}

/** S3261-16.4-02: maddr, port and transport that led the request to us say nothing to the next hop. */
export function withoutHops({ uri, requestUri }: Pick<SipMessage, 'uri' | 'requestUri'>): string {
  if (
    uri === undefined ||
    (!uri.params.has('maddr') && uri.port === undefined && !uri.params.has('transport'))
  ) {
    return uri === undefined ? requestUri : requestUriOf(uri)
  }
  const { scheme, user, password, host } = uri
  const params = new Map(uri.params)
  for (const name of LEFT_OUT) params.delete(name)
  return formatUri({ scheme, user, password, host, params })
}

const LEFT_OUT = ['maddr', 'transport', 'method'] as const
