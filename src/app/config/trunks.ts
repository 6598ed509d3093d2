/** Trunks: what no schema can judge, and their passwords, which stand in files of their own. */
import { canonicalAor, type TrunkSettings } from '../../sip/index.ts'
import { stripSeparators } from '../../sip/message/index.ts'
import { ConfigError } from './fault.ts'
import { checkNextHop } from './outside.ts'
import { hostedDomains } from './places.ts'
import { checkSource, listOf } from './policy.ts'
import type { Config } from './schema.ts'
import { readUtf8 } from './text-file.ts'

type TrunkConfig = Config['sip']['trunks'][number]

/** Reads the passwords. Throws `ConfigError`. */
export function trunkSettings({ sip }: Config): TrunkSettings[] {
  return sip.trunks.map((trunk) => {
    const { name, uri, username, realm, register, registerUser = username, expires, transports } = trunk
    const networks = listOf(trunk.address)
    const identities = listOf(trunk.identity)
    return {
      name,
      uri,
      account: username === undefined ? undefined : { username, password: passwordOf(trunk), realm },
      registration:
        register && registerUser !== undefined ? { user: registerUser, expiresS: expires } : undefined,
      numbers: new Map(
        Object.entries(trunk.numbers).map(([number, aor]) => [stripSeparators(number), aorOf(aor)]),
      ),
      incoming: trunk.incoming === undefined ? undefined : aorOf(trunk.incoming),
      ...(networks === undefined ? {} : { networks }),
      ...(identities === undefined ? {} : { identities }),
      ...(transports === undefined ? {} : { transports }),
    }
  })
}

function passwordOf({ name, passwordFile }: TrunkConfig): string {
  const file = passwordFile as string
  const fault = (problem: string, options: object) =>
    new ConfigError(`"sip.trunks": ${name}: ${file} ${problem}`, options)
  return readUtf8(file, fault).trim()
}

/** Throws `ConfigError` for the first trunk that cannot be used. */
export function checkTrunks(config: Config): void {
  const { sip } = config
  const names = new Set<string>()
  for (const trunk of sip.trunks) {
    const { name, uri, username, passwordFile, register } = trunk
    const refuse = (reason: string): never => {
      throw new ConfigError(`"sip.trunks": ${name}: ${reason}`)
    }
    if (!sip.roles.includes('proxy')) refuse('only a proxy has trunks; add the role proxy or leave it out')
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name))
      refuse('a name is letters, digits, dots, dashes and underscores')
    if (names.has(name)) refuse('stands here twice')
    names.add(name)
    checkNextHop(uri, 'sip.trunks', [])
    if ((username === undefined) !== (passwordFile === undefined))
      refuse('username goes together with passwordFile')
    if (register && username === undefined) refuse('register needs username and passwordFile')
    if (passwordFile !== undefined && passwordOf(trunk) === '') refuse(`${passwordFile} is empty`)
    checkSource(trunk, 'sip.trunks')
    for (const aor of [
      ...Object.values(trunk.numbers),
      ...(trunk.incoming === undefined ? [] : [trunk.incoming]),
    ]) {
      const domain = aorOf(aor).split('@').at(-1) ?? ''
      if (!hostedDomains(config).includes(domain))
        refuse(`"${aor}" is not in a hosted domain (${hostedDomains(config).join(', ')})`)
    }
  }
}

function aorOf(text: string): string {
  const aor = canonicalAor(text.includes(':') ? text : `sip:${text}`)
  if (!aor.ok) throw new ConfigError(`"sip.trunks": "${text}" is not user@domain`)
  return aor.value
}
