/** Combinations that no schema can express; each complaint names the keys. */
import { isLoopback } from '../../admin/access.ts'
import { refuseUnbuilt } from './built.ts'
import { bindable, parseEndpoint, parseHostPort } from './endpoint.ts'
import { checkEngine } from './engine.ts'
import { ConfigError } from './fault.ts'
import { hepTarget } from './hep.ts'
import { checkListeners } from './listener-clashes.ts'
import { loadConfig, type LoadedConfig } from './load.ts'
import { checkNames } from './names.ts'
import { checkOutside } from './outside.ts'
import { checkPolicy } from './policy.ts'
import { withTcpTwins } from './tcp-twins.ts'
import { checkTrunks } from './trunks.ts'
import type { Environment } from './environment.ts'
import { DRACHTIO_CAPABILITIES, parseUri } from '../../sip/index.ts'
import type { Config } from './schema.ts'

/** Loads a configuration and makes sure that this version can run it. Throws `ConfigError`. */
export function usableConfig(file: string | undefined, environment: Environment): Config {
  return locatedUsableConfig(file, environment).config
}

/** The same, with the places of its keys. */
export function locatedUsableConfig(file: string | undefined, environment: Environment): LoadedConfig {
  const loaded = loadConfig(file, environment)
  try {
    refuseUnbuilt(loaded.config)
    const config = withTcpTwins(loaded.config)
    checkCombinations(config, (key) => loaded.origin(key) !== undefined)
    return { ...loaded, config }
  } catch (error) {
    const place = error instanceof ConfigError ? placeOf(error.message, loaded) : undefined
    if (place === undefined) throw error
    throw new ConfigError(`${place}: ${(error as ConfigError).message}`, { cause: error })
  }
}

/**
 * Where to look: at the key that the complaint begins with or, where that one is not set, at the first of those it
 * mentions that is. "admin.token is missing because of admin.listen" is mended where admin.listen stands.
 */
function placeOf(message: string, { place, origin }: LoadedConfig): string | undefined {
  const key = /^"([\w.]+)"/.exec(message)?.[1]
  if (key === undefined) return undefined
  const others = message.match(/\b(?:overlay|sip|admin|data|limits|log|trace)(?:\.\w+)+/g) ?? []
  return [key, ...others].map(origin).find((each) => each !== undefined) ?? place(key)
}

/** `isSet`: whether the file or the environment has this key. */
export function checkCombinations(config: Config, isSet: (key: string) => boolean = () => true): void {
  const { overlay, sip, admin } = config
  checkRoles(sip.roles)
  checkEngine(config)
  if (sip.roles.length > 0 && sip.listen.length === 0)
    throw new ConfigError('"sip.listen": SIP roles need a listener')
  checkPhoneTls(sip)
  checkPair(config.sip, 'minExpires', 'maxExpires', isSet)
  if (sip.minExpires > sip.defaultExpires || sip.defaultExpires > sip.maxExpires) {
    throw new ConfigError(
      `"sip.defaultExpires": ${sip.defaultExpires} has to lie between sip.minExpires (${sip.minExpires}) and sip.maxExpires (${sip.maxExpires})`,
    )
  }
  if (sip.registerHome !== undefined) checkRegisterHome(sip.registerHome, sip.roles)
  checkSessionTimer(sip)
  checkPair(config.sip, 'overlayLifetimeMin', 'overlayLifetimeMax', isSet)
  if (sip.secret !== undefined && !/^[0-9a-fA-F]{64}$/.test(sip.secret)) {
    throw new ConfigError('"sip.secret": has to be 64 hex digits')
  }
  if (
    overlay.bootstrap.length > 0 &&
    overlay.authority === undefined &&
    overlay.configuration === undefined &&
    overlay.credentials === 'enroll'
  ) {
    throw new ConfigError(
      '"overlay.bootstrap": who joins needs what the overlay trusts: overlay.authority with a copy of the authority folder of a running site, or overlay.configuration with an account to enroll over https, or with certificate and key (credentials: import); see README, "A second site"',
    )
  }
  if (overlay.role === 'client' && overlay.bootstrap.length === 0 && overlay.configuration === undefined)
    throw new ConfigError(
      '"overlay.bootstrap": a client needs a peer to hang on; name one, or be a peer (overlay.role)',
    )
  const imported = overlay.certificate !== undefined || overlay.privateKey !== undefined
  if (overlay.credentials === 'import') {
    for (const key of ['configuration', 'certificate', 'privateKey'] as const) {
      if (overlay[key] === undefined)
        throw new ConfigError(`"overlay.${key}": needed with overlay.credentials: import`)
    }
  } else if (imported) {
    throw new ConfigError(
      '"overlay.certificate" and "overlay.privateKey" go with overlay.credentials: import',
    )
  }
  checkTrust(overlay)
  const { port } = parseEndpoint(overlay.listen[0] as string, 'overlay.listen')
  if (overlay.applicationListen === undefined && port === 65535) {
    throw new ConfigError('"overlay.applicationListen": needed, there is no port after 65535')
  }
  const { host } = bindable(parseHostPort(admin.listen, 'admin.listen'), 'admin.listen')
  if (!isLoopback(host) && admin.token === undefined) {
    throw new ConfigError(
      `"admin.token": needed because admin.listen (${admin.listen}) is not a loopback address`,
    )
  }
  checkNames(config)
  checkPolicy(config)
  checkTrunks(config)
  checkOutside(config)
  checkListeners(config)
  hepTarget(config)
}

/** Two keys of which one is at most the other: the one that somebody has set is to blame. */
function checkPair(
  sip: Config['sip'],
  low: 'minExpires' | 'overlayLifetimeMin',
  high: 'maxExpires' | 'overlayLifetimeMax',
  isSet: (key: string) => boolean,
): void {
  if (sip[low] <= sip[high]) return
  throw new ConfigError(
    isSet(`sip.${low}`) || !isSet(`sip.${high}`)
      ? `"sip.${low}": ${sip[low]} has to be at most sip.${high} (${sip[high]})`
      : `"sip.${high}": ${sip[high]} has to be at least sip.${low} (${sip[low]})`,
  )
}

/** Peer P, Peer R or a plain peer (RFC 7904 s.3): what else could be put together serves no phone. */
const ROLE_SETS: readonly string[] = ['proxy registrar', 'redirect registrar', '']

export function checkRoles(roles: readonly string[]): void {
  if (ROLE_SETS.includes(roles.toSorted().join(' '))) return
  throw new ConfigError(
    `"sip.roles": allowed: [registrar, proxy], [registrar, redirect] or []; not [${roles.join(', ')}]`,
  )
}

function checkRegisterHome(text: string, roles: readonly string[]): void {
  if (!roles.includes('redirect'))
    throw new ConfigError('"sip.registerHome": is for redirect servers; sip.roles has no redirect')
  if (parseUri(text) === undefined || /[<>\s]/.test(text))
    throw new ConfigError(
      '"sip.registerHome": has to be a SIP URI, such as sip:registrar.example.com;transport=tcp',
    )
}

function checkSessionTimer({ sessionTimer, roles, engine }: Config['sip']): void {
  const { expires, minimum } = sessionTimer
  if (expires === 0) return
  if (expires < minimum)
    throw new ConfigError('"sip.sessionTimer.expires": has to be at least sip.sessionTimer.minimum')
  if (!roles.includes('proxy'))
    throw new ConfigError('"sip.sessionTimer": is asked for by a proxy; add the role proxy or leave it out')
  if (engine === 'drachtio' && !DRACHTIO_CAPABILITIES.sessionTimers)
    throw new ConfigError('"sip.sessionTimer": not with sip.engine: drachtio, which forwards calls itself')
}

/** Files of TLS towards phones go in pairs; whether there is a certificate at all is seen when the node is built. */
function checkPhoneTls({ tls, websocket }: Config['sip']): void {
  if ((tls.certificate === undefined) !== (tls.privateKey === undefined))
    throw new ConfigError('"sip.tls.certificate": goes together with sip.tls.privateKey')
  if (tls.verifyClients !== 'none' && tls.ca === undefined)
    throw new ConfigError(
      `"sip.tls.ca": needed with sip.tls.verifyClients: ${tls.verifyClients}; it says whose certificates count`,
    )
  if ((websocket.cookie === undefined) !== (websocket.secret === undefined))
    throw new ConfigError('"sip.websocket.cookie": goes together with sip.websocket.secret')
  if (websocket.secret !== undefined && websocket.secret.length < 16)
    throw new ConfigError('"sip.websocket.secret": has to have at least 16 characters')
}

/** Where document and certificates come from has to fit together. */
function checkTrust(overlay: Config['overlay']): void {
  const { configuration, credentials, enrollment } = overlay
  const remote = configuration === 'discover' || /^https?:/i.test(configuration ?? '')
  if (/^http:/i.test(configuration ?? ''))
    throw new ConfigError(
      '"overlay.configuration": http is not safe here; allowed: a file, an https URL, discover',
    )
  if (remote && overlay.name === undefined)
    throw new ConfigError(
      '"overlay.name": needed when the document comes from a configuration server (overlay.configuration)',
    )
  if (remote && overlay.authority !== undefined)
    throw new ConfigError(
      '"overlay.authority": has a document of its own; allowed: this key or a configuration server',
    )
  if (credentials === 'self-signed' && configuration === undefined)
    throw new ConfigError('"overlay.configuration": needed with overlay.credentials: self-signed')
  const elsewhere = credentials === 'enroll' && configuration !== undefined && overlay.authority === undefined
  for (const key of ['account', 'password'] as const) {
    if (elsewhere && overlay[key] === undefined)
      throw new ConfigError(
        `"overlay.${key}": needed to enroll over https for the document of overlay.configuration; or set overlay.authority to the folder of an authority on this machine, or credentials: import`,
      )
    if (!elsewhere && overlay[key] !== undefined)
      throw new ConfigError(
        `"overlay.${key}": is for credentials: enroll with an enrollment server elsewhere`,
      )
  }
  if ((enrollment.certificate === undefined) !== (enrollment.privateKey === undefined))
    throw new ConfigError(
      '"overlay.enrollment.certificate": goes together with overlay.enrollment.privateKey',
    )
  if (enrollment.listen === undefined) return
  bindable(parseHostPort(enrollment.listen, 'overlay.enrollment.listen'), 'overlay.enrollment.listen')
  if (credentials !== 'enroll' || elsewhere)
    throw new ConfigError('"overlay.enrollment.listen": needs the authority on this machine')
}
