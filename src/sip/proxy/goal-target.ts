/** The one target of a goal that leaves no choice, and where requests with such a goal are counted. Pure but for what the ports know. */
import { parseUri } from '../message/index.ts'
import { abroad } from './abroad.ts'
import type { ProxyEnvironment } from './environment.ts'
import { phoneTarget } from './phone-target.ts'
import type { Goal, ProxyRequest } from './proxy-request.ts'
import { nextPeer } from './stand-in.ts'
import { hostTarget, withoutHops } from './target-kinds.ts'
import type { Target, TargetPath, Way } from './targets.ts'

/** Undefined where it has none, or has to be found first. */
export function targetOf(
  environment: ProxyEnvironment,
  request: ProxyRequest,
  path: TargetPath,
): Target | undefined {
  const { goal, route } = request
  if (goal.kind === 'aor') return undefined
  if (goal.kind === 'targets') return goal.targets[0]
  if (goal.kind === 'instance') {
    const [newest] = goal.bindings
    const target = newest === undefined ? undefined : phoneTarget(newest, 0, environment)
    return target === undefined || goal.withPath ? target : { ...target, routes: [] }
  }
  if (goal.kind === 'host' || goal.kind === 'outside') {
    const next = parseUri(goal.kind === 'host' ? goal.uri : route.requestUri)
    if (next === undefined) return undefined
    const { source } = request.incoming
    return goal.kind === 'outside'
      ? environment.outside.toUri(route.requestUri, next, path, source)
      : abroad(hostTarget(route.requestUri, next, path, route.requestUri.startsWith('sips:')), source)
  }
  const way: Way =
    goal.kind === 'hop'
      ? { kind: 'hop', hop: goal.hop, domain: goal.domain }
      : { kind: 'peer', address: goal.address, secure: goal.secure }
  const { message } = request.incoming
  const maddr = message.uri?.params.get('maddr')
  const ledHere = goal.kind === 'peer' && maddr !== undefined && environment.identity.isOwnHost(maddr)
  return {
    uri: ledHere ? withoutHops(message) : route.requestUri,
    routes: [],
    way,
    q: 1000,
    key: 'only',
    instance: undefined,
    regId: undefined,
    registeredAt: 0,
    path,
    peer: nextPeer(message, goal),
    line: goal.kind === 'hop' ? (goal.line ?? environment.lines.at(goal.hop)) : undefined,
  }
}

/** By which other way requests of this call go to the phone whose peer is gone. */
export function standInOf(
  environment: ProxyEnvironment,
  { incoming, route }: ProxyRequest,
  peer: string,
): Target | undefined {
  return environment.standIns.find(incoming.message, peer, route.requestUri)
}

/** Where the call metrics book a request. */
export function pathOf(goal: Goal): TargetPath {
  switch (goal.kind) {
    case 'aor':
    case 'targets':
      return goal.path
    case 'instance':
    case 'peer':
      return 'gruu'
    case 'hop':
    case 'host':
    case 'outside':
      return 'dns'
  }
}
