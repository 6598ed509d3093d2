/** The settings of the parts, out of those of the core. Limits that change while the node runs are read at every use. */
import type { ProxySettings } from '../proxy/index.ts'
import type { RegistrarSettings } from '../registrar/index.ts'
import type { SipLimits, SipSettings } from './contract.ts'

/** Judgement: how long phones of equal q ring before the next ones do, in seconds; about four rings. */
const GROUP_TIMEOUT_S = 20

/** Limits in force. */
export interface Tuned {
  maxForks: number
  maxBindings: number
  readonly limits: SipLimits
}

export function registrarSettings(
  settings: SipSettings,
  own: {
    readonly tuned: Tuned
    readonly gruuOwner: RegistrarSettings['gruuOwner']
    /** Changes when the engine in front comes and goes. */
    readonly ownAddresses: () => ReadonlySet<string>
  },
): RegistrarSettings {
  const { domains, minExpiresS, defaultExpiresS, maxExpiresS, flowGraceS, peerIdentity, roles } = settings
  const { tuned, gruuOwner, ownAddresses } = own
  return {
    domains,
    minExpiresS,
    defaultExpiresS,
    maxExpiresS,
    flowGraceS,
    get maxBindings() {
      return tuned.maxBindings
    },
    get ownAddresses() {
      return ownAddresses()
    },
    ownGr: peerIdentity?.gr,
    gruuOwner,
    persist: settings.persistBindings ?? false,
    publishTel: settings.publishTel ?? false,
    refusePath: settings.pathWithoutSupported === 'refuse',
    refusePush: settings.pushContacts === 'refuse',
    outbound: roles.proxy,
    directOnly: roles.redirect && !roles.proxy,
  }
}

export function proxySettings(settings: SipSettings, realm: string, tuned: Tuned): ProxySettings {
  const { lookup, recursionDepth, recursionLocates, recurse3xx, appAttachBudgetMs, locateBudgetMs } = settings
  return {
    realm,
    get maxForks() {
      return tuned.maxForks
    },
    lookup,
    recursionDepth,
    recursionLocates,
    recurse3xx,
    siblings: settings.siblings ?? 'parallel',
    groupTimeoutMs: 1000 * (settings.groupTimeoutS ?? GROUP_TIMEOUT_S),
    sipToSips: settings.sipToSips ?? 'upgrade',
    alwaysProxy: settings.alwaysProxy ?? false,
    sessionTimer: settings.sessionTimer,
    peerFlowBudgetMs: appAttachBudgetMs,
    locateBudgetMs,
  }
}
