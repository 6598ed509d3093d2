/** Rules about users and sources that no schema can judge. */
import { canonicalAor } from '../../sip/index.ts'
import { parseNetwork } from '../../sip/message/index.ts'
import { certificateName } from '../../sip/core/trusted-sources.ts'
import { ConfigError } from './fault.ts'
import { hostedDomains } from './places.ts'
import type { Config } from './schema.ts'

/** Throws `ConfigError` for the first rule that cannot be used. */
export function checkPolicy(config: Config): void {
  checkTrusted(config)
  checkHostedUsers(config)
  checkMoved(config)
}

function checkMoved(config: Config): void {
  const domains = hostedDomains(config)
  for (const [aor, to] of Object.entries(config.sip.moved)) {
    const canonical = canonicalAor(`sip:${aor}`)
    if (!canonical.ok || canonical.value !== aor || !domains.includes(aor.slice(aor.lastIndexOf('@') + 1)))
      throw new ConfigError(`"sip.moved": "${aor}" is no user of a hosted domain (${domains.join(', ')})`)
    const uri = /^sips?:/i.test(to) && !/[<>"\s]/.test(to) ? canonicalAor(to) : undefined
    if (uri?.ok !== true)
      throw new ConfigError(`"sip.moved": "${to}" is no SIP URI of a user, such as sip:alice@example.net`)
    if (uri.value === aor) throw new ConfigError(`"sip.moved": "${aor}" has moved to itself`)
  }
}

/** A key that takes one text or several. */
export function listOf(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof value === 'string' ? [value] : value
}

function checkTrusted({ sip }: Config): void {
  for (const entry of sip.trusted) {
    if (entry.address === undefined && entry.identity === undefined)
      throw new ConfigError('"sip.trusted": each entry needs address or identity; nobody is trusted unseen')
    checkSource(entry, 'sip.trusted')
  }
}

/** Networks and names that sources are known by. Throws `ConfigError`. */
export function checkSource(
  { address, identity }: Pick<Config['sip']['trusted'][number], 'address' | 'identity'>,
  key: string,
): void {
  for (const network of listOf(address) ?? []) {
    if (parseNetwork(network) === undefined)
      throw new ConfigError(
        `"${key}": "${network}" is neither an address nor a network such as 192.0.2.0/24 (no bits beyond the prefix)`,
      )
  }
  for (const name of listOf(identity) ?? []) {
    const domain = certificateName(name)
    if (domain === undefined || domain.includes('@') || domain.includes('*'))
      throw new ConfigError(`"${key}": "${name}" is no domain such as example.com or sip:example.com`)
  }
}

function checkHostedUsers(config: Config): void {
  const domains = hostedDomains(config)
  const seen = new Set<string>()
  for (const { aor, delegates } of config.sip.hostedUsers) {
    const canonical = hostedAor(aor)
    if (!domains.includes(canonical.slice(canonical.lastIndexOf('@') + 1)))
      throw new ConfigError(`"sip.hostedUsers": "${aor}" is not in a hosted domain (${domains.join(', ')})`)
    if (seen.has(canonical)) throw new ConfigError(`"sip.hostedUsers": "${aor}" stands here twice`)
    seen.add(canonical)
    for (const each of delegates) hostedAor(each)
  }
}

/** The AOR of an entry of `sip.hostedUsers`, `user@domain` or a URI, in its canonical form. Throws `ConfigError`. */
export function hostedAor(text: string): string {
  const aor = canonicalAor(text.includes(':') ? text : `sip:${text}`)
  if (!aor.ok) throw new ConfigError(`"sip.hostedUsers": "${text}" is not user@domain`)
  return aor.value
}
