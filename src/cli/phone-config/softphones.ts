/** Softphones. */
import { UsageError } from '../command.ts'
import { elements, NO_CAMERA, serverAt, xml, type PhoneAccount, type PhoneModel } from './account.ts'

export const linphone: PhoneModel = {
  name: 'linphone',
  aliases: [],
  title: 'Linphone',
  file: 'any https address; Linphone is given that address, or a QR code of it',
  notes: ({ servers }) =>
    servers.length > 1
      ? ['An account of Linphone has one route: for a second peer let it ask DNS (--dns).']
      : [],
  qr: ({ url }) =>
    url === undefined
      ? {
          none: 'Linphone scans the address of its settings, not the settings: say where they will be with --url',
        }
      : { payload: url },
  text: (account) => {
    const { domain, transport } = account
    const server = `<sip:${serverAt(account, 0) ?? domain};transport=${transport}>`
    const section = (name: string, entries: readonly (readonly [string, string | number])[]): string =>
      [
        `  <section name="${name}">`,
        ...entries.map(([key, value]) => `    <entry name="${key}" overwrite="true">${xml(value)}</entry>`),
        '  </section>',
      ].join('\n')
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">',
      section('sip', [['default_proxy', 0]]),
      section('proxy_0', [
        ['reg_identity', `${quoted(account.displayName)} <sip:${account.user}@${domain}>`],
        ['reg_proxy', server],
        ['reg_route', server],
        ['reg_expires', account.expires],
        ['reg_sendregister', 1],
        ['realm', domain],
      ]),
      section('auth_info_0', [
        ['username', account.user],
        ['userid', account.authName],
        ['passwd', account.password],
        ['realm', domain],
        ['domain', domain],
      ]),
      '</config>',
    ].join('\n')
  },
}

export const zoiper: PhoneModel = {
  name: 'zoiper',
  aliases: [],
  title: 'Zoiper 5',
  file: 'Config.xml in the folder of its settings',
  notes: ({ servers }) =>
    servers.length > 1 ? ['An account of Zoiper has one outbound proxy: for a second peer use --dns.'] : [],
  qr: () => ({
    none: 'Zoiper scans only codes made by the vendor’s own service, which would get the password',
  }),
  text: (account) => {
    const server = serverAt(account, 0)
    const body = elements('      ', [
      ['ident', `${account.user}@${account.domain}`],
      ['name', `${account.user}@${account.domain}`],
      ['protocol', 'sip'],
      ['username', account.user],
      ['password', account.password],
      ['save_username', 'true'],
      ['save_password', 'true'],
      ['register_on_startup', 'true'],
      ['SIP_domain', account.domain],
      ['SIP_use_outbound_proxy', server === undefined ? 'false' : 'true'],
      ['SIP_outbound_proxy', server ?? ''],
      ['SIP_transport_type', account.transport],
      ['SIP_use_auth_username', 'true'],
      ['SIP_auth_username', account.authName],
      ['SIP_callerId', account.displayName],
      ['SIP_use_rport', 'true'],
      ['reregistration_mode', 'custom'],
      ['reregistration_time', account.expires],
    ])
    return `<?xml version="1.0" encoding="utf-8"?>\n<options>\n  <accounts>\n    <account>\n${body}\n    </account>\n  </accounts>\n</options>`
  },
}

export const baresip: PhoneModel = {
  name: 'baresip',
  aliases: [],
  title: 'baresip',
  file: '~/.baresip/accounts',
  qr: NO_CAMERA,
  notes: ({ servers }) => [
    ...(servers.length > 1
      ? [
          'With two peers it registers at both and keeps both flows (RFC 5626), which needs "module_tmp uuid.so" in its config.',
        ]
      : []),
  ],
  text: (account) => {
    // Parameters end at these, and nothing escapes them.
    for (const value of [account.password, account.authName])
      if (/[\s;,"<>]/.test(value))
        throw new UsageError('baresip takes no blank ; , " < > in a password or user name')
    const parameters = [
      `auth_user=${account.authName}`,
      `auth_pass=${account.password}`,
      `regint=${account.expires}`,
      ...outbounds(account),
    ]
    const name = account.displayName === account.user ? '' : `"${account.displayName.replace(/["\\]/g, '')}" `
    return `${name}<sip:${account.user}@${account.domain};transport=${account.transport}>;${parameters.join(';')}`
  },
}

export const pjsua: PhoneModel = {
  name: 'pjsua',
  aliases: ['pjsip'],
  title: 'pjsua',
  file: 'any file; pjsua --config-file FILE reads it',
  qr: NO_CAMERA,
  notes: ({ servers }) => [
    ...(servers.length > 1
      ? ['It goes through all outbound proxies that it is given: for a second peer use --dns.']
      : []),
    ...(servers.length === 0 ? ['SRV records need --nameserver ADDRESS of a name server.'] : []),
  ],
  text: (account) => {
    const { user, domain, authName, password, transport } = account
    // Its file is split at blanks.
    for (const value of [password, authName])
      if (/[\s"']/.test(value)) throw new UsageError('pjsua takes no blank " \' in a password or user name')
    const way = transport === 'udp' ? '' : `;transport=${transport}`
    const server = serverAt(account, 0)
    return [
      `--id=sip:${user}@${domain}`,
      `--registrar=sip:${domain}${way}`,
      '--realm=*',
      `--username=${authName}`,
      `--password=${password}`,
      ...(server === undefined ? [] : [`--outbound=sip:${server};lr${way}`]),
      `--reg-timeout=${account.expires}`,
      ...(transport === 'tls' ? ['--use-tls'] : []),
    ].join('\n')
  },
}

function outbounds(account: PhoneAccount): string[] {
  const { servers, transport } = account
  const proxies = servers.map(
    (_, index) =>
      `outbound${index === 0 ? '' : index + 1}="sip:${serverAt(account, index) ?? ''};transport=${transport}"`,
  )
  return servers.length > 1 ? ['sipnat=outbound', ...proxies] : proxies
}

/** A quoted-string (RFC 3261 s.25.1). */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`
}
