/**
 * Desk phones. Their domain is what stands in the AOR; where to send is the outbound proxy, so that a peer may be an address that no
 * name server knows. Without peers they resolve the domain (NAPTR, SRV).
 */
import { UsageError } from '../command.ts'
import { elements, NO_CAMERA, serverAt, xml, type PhoneAccount, type PhoneModel } from './account.ts'

export const yealink: PhoneModel = {
  name: 'yealink',
  aliases: ['t-series'],
  title: 'Yealink T series',
  file: 'the phone’s MAC address in lower case with .cfg, on the provisioning server',
  qr: NO_CAMERA,
  notes: ({ servers }) => [
    'failback_mode 2: back to the first peer when the registration is renewed.',
    'transport_type: 0 UDP, 1 TCP, 2 TLS, 3 DNS-NAPTR.',
    ...(servers.length > 1
      ? [
          'redundancy_type 0: registered at all sip_server entries at once; of outbound proxies the second stands in for the first.',
        ]
      : []),
  ],
  text: (account) => {
    const { domain, servers, expires } = account
    const type = servers.length === 0 ? 3 : { udp: 0, tcp: 1, tls: 2 }[account.transport]
    const lines = [
      '#!version:1.0.0.1',
      'account.1.enable = 1',
      `account.1.label = ${account.user}`,
      `account.1.display_name = ${account.displayName}`,
      `account.1.user_name = ${account.user}`,
      `account.1.auth_name = ${account.authName}`,
      `account.1.password = ${account.password}`,
      `account.1.sip_server.1.address = ${domain}`,
      `account.1.sip_server.1.port = ${servers[0]?.port ?? 0}`,
      `account.1.sip_server.1.transport_type = ${type}`,
      `account.1.sip_server.1.expires = ${expires}`,
      'account.1.sip_server.1.retry_counts = 3',
      'account.1.sip_server.1.failback_mode = 2',
      `account.1.outbound_proxy_enable = ${servers.length === 0 ? 0 : 1}`,
    ]
    if (servers.length > 1)
      lines.push('account.1.fallback.redundancy_type = 0', 'account.1.fallback.timeout = 120')
    for (const [index, { host, port }] of servers.entries()) {
      lines.push(`account.1.outbound_proxy.${index + 1}.address = ${host}`)
      lines.push(`account.1.outbound_proxy.${index + 1}.port = ${port}`)
    }
    return lines.join('\n')
  },
}

export const polycom: PhoneModel = {
  name: 'polycom',
  aliases: ['poly', 'vvx'],
  title: 'Polycom / Poly',
  file: 'a file that the phone’s MAC.cfg names in CONFIG_FILES',
  qr: NO_CAMERA,
  notes: ({ servers }) => [
    ...(servers.length > 1 ? ['It registers at all servers and takes calls from each.'] : []),
    'Do not add an outbound proxy: it would take the place of the servers.',
  ],
  text: (account) => {
    const transport =
      account.servers.length === 0
        ? 'DNSnaptr'
        : { udp: 'UDPOnly', tcp: 'TCPOnly', tls: 'TLS' }[account.transport]
    const servers = account.servers.length === 0 ? [{ host: account.domain, port: 0 }] : account.servers
    const attributes: (readonly [string, string | number])[] = [
      ['displayName', account.displayName],
      ['address', `${account.user}@${account.domain}`],
      ['label', account.user],
      ['auth.userId', account.authName],
      ['auth.password', account.password],
    ]
    for (const [index, { host, port }] of servers.entries()) {
      const at = `server.${index + 1}`
      attributes.push([`${at}.address`, host], [`${at}.port`, port], [`${at}.transport`, transport])
      attributes.push([`${at}.expires`, account.expires], [`${at}.register`, 1])
    }
    const lines = attributes.map(([name, value]) => `    reg.1.${name}="${xml(value)}"`)
    return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<polycomConfig>\n  <reg\n${lines.join('\n')} />\n</polycomConfig>`
  },
}

export const cisco: PhoneModel = {
  name: 'cisco',
  aliases: ['spa', 'mpp', 'linksys'],
  title: 'Cisco MPP and SPA',
  file: 'the file of Profile_Rule (SPA: <flat-profile> without <device> around it)',
  qr: NO_CAMERA,
  notes: ({ servers }) => [
    ...(servers.length > 1
      ? ['Dual_Registration_1_ is of MPP firmware; an SPA needs DNS SRV for a second peer (--dns).']
      : []),
  ],
  text: (account) => {
    const first = serverAt(account, 0)
    const second = serverAt(account, 1)
    const direct = first !== undefined
    const body = elements('    ', [
      ['Line_Enable_1_', 'Yes'],
      ['Display_Name_1_', account.displayName],
      ['User_ID_1_', account.user],
      ['Password_1_', account.password],
      ['Use_Auth_ID_1_', 'Yes'],
      ['Auth_ID_1_', account.authName],
      ['Proxy_1_', account.domain],
      ['Use_Outbound_Proxy_1_', direct ? 'Yes' : 'No'],
      ['Outbound_Proxy_1_', first],
      ['Alternate_Proxy_1_', second === undefined ? undefined : account.domain],
      ['Alternate_Outbound_Proxy_1_', second],
      ['Dual_Registration_1_', second === undefined ? undefined : 'Yes'],
      ['Register_1_', 'Yes'],
      ['Register_Expires_1_', account.expires],
      ['Use_DNS_SRV_1_', direct ? 'No' : 'Yes'],
      ['DNS_SRV_Auto_Prefix_1_', direct ? undefined : 'Yes'],
      ['Proxy_Redundancy_Method_1_', direct ? undefined : 'Normal'],
      ['Proxy_Fallback_Intvl_1_', account.expires],
      ['SIP_Transport_1_', account.transport.toUpperCase()],
    ])
    return `<device>\n  <flat-profile>\n${body}\n  </flat-profile>\n</device>`
  },
}

export const mitel: PhoneModel = {
  name: 'mitel',
  aliases: ['aastra'],
  title: 'Mitel / Aastra 6700, 6800, 6900',
  file: 'the phone’s MAC address in upper case with .cfg, on the configuration server',
  qr: NO_CAMERA,
  notes: ({ servers }) => [
    'It tries the first peer again at each renewal. Port 0: SRV decides.',
    ...(servers.length > 1
      ? ['Firmware that knows no backup outbound proxy needs DNS SRV for a second peer (--dns).']
      : []),
  ],
  text: (account) => {
    const { domain, servers, password, displayName, authName } = account
    // A # begins a comment.
    for (const value of [password, displayName, authName])
      if (/[#"]/.test(value)) throw new UsageError('mitel takes no # " in a password or name')
    const [first, second] = servers
    const settings: (readonly [string, string | number | undefined])[] = [
      ['sip proxy ip', domain],
      ['sip proxy port', first?.port ?? 0],
      ['sip registrar ip', domain],
      ['sip registrar port', first?.port ?? 0],
      ['sip outbound proxy', first?.host],
      ['sip outbound proxy port', first?.port],
      ['sip backup proxy ip', second && domain],
      ['sip backup proxy port', second?.port],
      ['sip backup registrar ip', second && domain],
      ['sip backup registrar port', second?.port],
      ['sip backup outbound proxy', second?.host],
      ['sip backup outbound proxy port', second?.port],
      ['sip registration period', account.expires],
      ['sip transport protocol', { udp: 1, tcp: 2, tls: 4 }[account.transport]],
      ['sip line1 screen name', displayName],
      ['sip line1 display name', displayName],
      ['sip line1 user name', account.user],
      ['sip line1 auth name', authName],
      ['sip line1 password', password],
    ]
    return settings
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}: ${value ?? ''}`)
      .join('\n')
  },
}

export const snom: PhoneModel = {
  name: 'snom',
  aliases: [],
  title: 'Snom',
  file: 'the file of setting_server',
  qr: NO_CAMERA,
  notes: ({ servers }) =>
    servers.length > 1
      ? ['Identity 2 is the same user at the second peer; identity 1 falls back to it.']
      : [],
  text: (account) => {
    const identities = account.servers.length === 0 ? [undefined] : account.servers.map((_, index) => index)
    const lines = identities.flatMap((server, position) => {
      const idx = position + 1
      const address =
        server === undefined ? '' : `${serverAt(account, server) ?? ''};transport=${account.transport}`
      const failover = position === 0 && identities.length > 1 ? '2' : 'none'
      const settings: (readonly [string, string | number])[] = [
        ['user_active', 'on'],
        ['user_realname', account.displayName],
        ['user_name', account.user],
        ['user_pname', account.authName],
        ['user_pass', account.password],
        ['user_host', account.domain],
        ['user_outbound', address],
        ['user_expiry', account.expires],
        ['user_failover_identity', failover],
      ]
      return settings.map(([name, value]) => `    <${name} idx="${idx}" perm="">${xml(value)}</${name}>`)
    })
    return `<?xml version="1.0" encoding="utf-8"?>\n<settings>\n  <phone-settings>\n${lines.join('\n')}\n  </phone-settings>\n</settings>`
  },
}

export const grandstream: PhoneModel = {
  name: 'grandstream',
  aliases: ['gxp', 'ht', 'wave', 'gswave'],
  title: 'Grandstream GXP, HT; QR code for the Wave app',
  file: 'cfg followed by the MAC address, .xml',
  notes: ({ servers }) => [
    'P-values are those of GXP16xx/21xx: compare them with the template of your model.',
    ...(servers.length > 1 ? ['P2333 is the backup outbound proxy.'] : []),
  ],
  qr: (account) => ({ payload: waveAccount(account) }),
  text: (account) => {
    const direct = account.servers.length > 0
    const body = elements('    ', [
      ['P271', 1],
      ['P270', account.user],
      ['P47', account.domain],
      ['P48', serverAt(account, 0) ?? ''],
      ['P2333', serverAt(account, 1) ?? ''],
      ['P35', account.user],
      ['P36', account.authName],
      ['P34', account.password],
      ['P3', account.displayName],
      ['P31', 1],
      // Minutes.
      ['P32', Math.max(1, Math.round(account.expires / 60))],
      ['P130', { udp: 0, tcp: 1, tls: 2 }[account.transport]],
      // DNS mode: 0 A, 2 NAPTR and SRV. NAT: 2 keep-alives, every P84 seconds.
      ['P103', direct ? 0 : 2],
      ['P52', 2],
      ['P84', 20],
    ])
    return `<?xml version="1.0" encoding="UTF-8"?>\n<gs_provision version="1">\n  <config version="1">\n${body}\n  </config>\n</gs_provision>`
  },
}

/** The account as the Grandstream Wave app scans it. */
function waveAccount(account: PhoneAccount): string {
  const body = elements('', [
    ['RegisterServer', account.domain],
    ['OutboundServer', serverAt(account, 0) ?? ''],
    ['SecOutboundServer', serverAt(account, 1) ?? ''],
    ['UserID', account.user],
    ['AuthID', account.authName],
    ['AuthPass', account.password],
    ['AccountName', account.user],
    ['DisplayName', account.displayName],
  ]).replaceAll('\n', '')
  const text = `<?xml version="1.0" encoding="utf-8"?><AccountConfig version="1"><Account>${body}</Account></AccountConfig>`
  // A code does not say how its bytes are to be read, and readers guess.
  return text.replace(/[^\u0000-\u007f]/gu, (letter) => `&#${letter.codePointAt(0) ?? 0};`)
}
