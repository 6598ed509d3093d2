/** From configuration keys to what the machines are built with. */
import {
  DEFAULT_ADAPTER_SETTINGS,
  type AdapterSettings,
  type NodeInit,
  type ProxyRecord,
} from '../adapter/index.ts'
import type { TlsLimits } from '../reload/io/tls-links.ts'
import type { StreamLimits } from '../sip/io/stream-flows.ts'
import type { SipListener, SipTunables, TrustedSource } from '../sip/index.ts'
import type { StorageLimits } from '../reload/index.ts'
import { frontSettings } from './front-engine.ts'
import { formatHostPort } from './config/endpoint.ts'
import { outsideRules } from './config/outside.ts'
import { trunkSettings } from './config/trunks.ts'
import { hostedDomains } from './config/places.ts'
import { listOf } from './config/policy.ts'
import type { Config } from './config/schema.ts'

/** Longest time to find a user or to reach the peer that serves it: an INVITE may ring on, other requests end at 32 s. */
const LOCATE_BUDGET_MS = { invite: 8_000, other: 5_000 }
const APP_ATTACH_BUDGET_MS = { invite: 8_000, other: 5_000 }

/** Undefined for a plain peer without SIP roles. */
export function sipSettings(
  config: Config,
  listeners: readonly SipListener[],
  secret: Uint8Array,
): NodeInit['sip'] {
  const { sip } = config
  if (sip.roles.length === 0) return undefined
  return {
    roles: {
      registrar: sip.roles.includes('registrar'),
      proxy: sip.roles.includes('proxy'),
      redirect: sip.roles.includes('redirect'),
    },
    domains: hostedDomains(config),
    auth: sip.auth,
    digestAlgorithms: sip.digestAlgorithms,
    digestQop: sip.digestQop,
    digestUserHash: sip.digestUserHash,
    listeners,
    front: frontSettings(config),
    tlsRoutes: sip.tls.routes,
    minExpiresS: sip.minExpires,
    defaultExpiresS: sip.defaultExpires,
    maxExpiresS: sip.maxExpires,
    flowGraceS: sip.flowGrace,
    flowTimerS: sip.flowTimer,
    persistBindings: sip.persistBindings,
    registerFromOverlay: sip.registerFromOverlay,
    publishTel: sip.publishTel,
    queryScope: sip.queryScope,
    natKeepAliveS: sip.natKeepAlive,
    pathWithoutSupported: sip.pathWithoutSupported,
    pushContacts: sip.pushContacts,
    ...(sip.registerHome === undefined ? {} : { registerHome: sip.registerHome }),
    relayRegister: sip.relayRegister.map((domain) => domain.toLowerCase()),
    lookup: sip.lookup,
    recursionDepth: sip.recursion.depth,
    recursionLocates: sip.recursion.fetches,
    recurse3xx: sip.recurse3xx,
    siblings: sip.siblings,
    groupTimeoutS: sip.groupTimeout,
    sipToSips: sip.sipToSips,
    verifyCaller: sip.verifyCaller,
    outside: outsideRules(config),
    trunks: trunkSettings(config),
    ...(sip.telDomain === undefined ? {} : { telDomain: sip.telDomain.toLowerCase() }),
    overlayExit: sip.overlayExit,
    alwaysProxy: sip.alwaysProxy,
    moved: new Map(Object.entries(sip.moved)),
    sessionTimer: sip.sessionTimer.expires === 0 ? undefined : sip.sessionTimer,
    trusted: sip.trusted.map(trustedSource),
    policy: sip.policy,
    redirectProxies: sip.redirect.proxies,
    redirectUse305: sip.redirect.use305,
    redirectResolveUri: sip.redirect.resolveUri,
    appAttachBudgetMs: APP_ATTACH_BUDGET_MS,
    locateBudgetMs: LOCATE_BUDGET_MS,
    secret,
    ...sipTunables(config),
  }
}

function trustedSource(entry: Config['sip']['trusted'][number]): TrustedSource {
  const { address, identity, transports, mayCallOutside } = entry
  const networks = listOf(address)
  const identities = listOf(identity)
  return {
    mayCallOutside,
    ...(networks === undefined ? {} : { networks }),
    ...(identities === undefined ? {} : { identities }),
    ...(transports === undefined ? {} : { transports }),
  }
}

/** The part of it that a running node takes over when the file is read again. */
export function sipTunables({ sip, limits }: Config): SipTunables {
  return {
    maxForks: sip.maxForks,
    maxBindings: sip.maxBindings,
    limits: {
      headBytesMax: limits.headBytes,
      headersMax: limits.headers,
      viaMax: limits.vias,
      bodyBytesMax: limits.bodyBytes,
      transactionsMax: limits.transactions,
      registersWaitingMax: limits.registrations,
      flowsMax: limits.flows,
      authFailuresMax: limits.authFailures,
      subscriptionsMax: limits.subscriptions,
      perSource: {
        requests: { perSecond: limits.requestsPerSource, burst: limits.requestBurstPerSource },
        strangers: {
          perSecond: limits.strangerRequestsPerSource,
          burst: 2 * limits.strangerRequestsPerSource,
        },
      },
    },
  }
}

export function adapterSettings(config: Config, listeners: readonly SipListener[]): AdapterSettings {
  const { overlay, sip } = config
  return {
    ...DEFAULT_ADAPTER_SETTINGS,
    publishForwardAsUri: sip.publishForwardAsUri,
    publishNodeContact: sip.publishNodeContact,
    overlayLifetimeMinS: sip.overlayLifetimeMin,
    overlayLifetimeMaxS: sip.overlayLifetimeMax,
    recursionDepth: sip.recursion.depth,
    recursionFetches: sip.recursion.fetches,
    flowIdleS: sip.appAttach.idle,
    flowsMax: sip.appAttach.maxFlows,
    enrollOnFirstRegister: sip.enrollOnFirstRegister,
    standalone: overlay.standalone,
    ...(sip.proxyRecord ? { proxyRecord: proxyRecord(config, listeners) } : {}),
  }
}

/** WebSockets are no transport that a redirected phone could change to. */
function proxyRecord(config: Config, listeners: readonly SipListener[]): ProxyRecord {
  const addresses = listeners.flatMap(({ transport, advertisedHost: host, port }) =>
    transport === 'ws' || transport === 'wss' ? [] : [`${formatHostPort({ host, port })}/${transport}`],
  )
  return { domains: hostedDomains(config), addresses, exit: config.sip.overlayExit }
}

/** What this peer holds for the overlay at most; more is answered with Error_Data_Too_Large. */
export function storageLimits({ limits }: Config): StorageLimits {
  return {
    resourcesMax: limits.storedResources,
    valuesMax: limits.storedValues,
    bytesMax: limits.storedBytes,
  }
}

/** Stream connections of phones, TCP, TLS and WebSocket together. */
export function flowLimits({
  limits,
}: Config): Pick<StreamLimits, 'flowsMax' | 'flowsPerSourceMax' | 'messageBytesMax'> {
  return {
    flowsMax: limits.flows,
    flowsPerSourceMax: limits.flowsPerSource,
    messageBytesMax: limits.headBytes + limits.bodyBytes,
  }
}

/** Connections of other nodes. */
export function linkLimits({
  limits,
}: Config): Pick<TlsLimits, 'connectionsMax' | 'connectionsPerSourceMax'> {
  return { connectionsMax: limits.links, connectionsPerSourceMax: limits.linksPerSource }
}
