import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { waitingForRestart } from '../../../../src/app/config/changes.ts'
import { usableConfig } from '../../../../src/app/config/check.ts'
import { ConfigError } from '../../../../src/app/config/fault.ts'
import { readConfig } from '../../../../src/app/config/load.ts'
import { jsonSchema } from '../../../../src/app/config/schema.ts'
import { flowLimits, sipTunables, storageLimits } from '../../../../src/app/settings.ts'
import { TLS_LIMITS } from '../../../../src/reload/io/tls-links.ts'
import { DEFAULT_STORAGE_LIMITS } from '../../../../src/reload/storage/quota.ts'
import { DEFAULT_PARSE_LIMITS } from '../../../../src/sip/index.ts'
import { STREAM_LIMITS } from '../../../../src/sip/io/stream-flows.ts'
import { unfinishedBytesMax } from '../../../../src/sip/transport/index.ts'

function complaint(yaml: string, environment: Record<string, string> = {}): string {
  try {
    readConfig(yaml, 'node.yaml', environment)
  } catch (error) {
    // Anything else would be a fault of the program: exit code 1, and a supervisor that tries again and again.
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  return 'accepted'
}

/** Few lines that come to half a million values (a "billion laughs"). */
const LAUGHS = [
  'a: &a [1]',
  ...[...'bcdefg'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[index]}`).join()}]`),
].join('\n')

describe('configuration file', () => {
  it('R6940-14.2-01 an empty file is all defaults of contract s.3 and adapter-mapping s.11', () => {
    const config = readConfig('', 'node.yaml', {})
    expect(config.sip).toMatchObject({
      roles: ['registrar', 'proxy'],
      listen: ['udp://0.0.0.0:5060', 'tcp://0.0.0.0:5060'],
      auth: 'digest',
      engine: 'embedded',
      lookup: 'parallel',
      queryScope: 'local',
      publish: 'adapterNode',
      publishForwardAsUri: true,
      publishNodeContact: true,
      publishTel: false,
      minExpires: 60,
      defaultExpires: 3600,
      maxExpires: 7200,
      overlayLifetimeMin: 300,
      overlayLifetimeMax: 7200,
      flowGrace: 30,
      maxForks: 10,
      maxBindings: 10,
      recursion: { depth: 5, fetches: 20 },
      overlayExit: false,
      dnsAlso: false,
      verifyCaller: 'tag',
      siblings: 'parallel',
      registerFromOverlay: false,
      appAttach: { plainSip: 'never', idle: 600, maxFlows: 2000 },
      redirect: { proxies: [], resolveUri: true, use305: false },
      transitOverlays: [],
      alwaysProxy: false,
      recurse3xx: true,
      persistBindings: false,
      natKeepAlive: 25,
      enrollOnFirstRegister: false,
    })
    expect(config.overlay).toMatchObject({
      role: 'peer',
      listen: ['tls://0.0.0.0:6084'],
      credentials: 'enroll',
    })
    expect(config.admin.listen).toBe('127.0.0.1:8080')
    expect(config.data.dir).toBe('./data')
    expect(readConfig('sip:\nadmin:\n', 'node.yaml', {})).toEqual(config)
  })

  it.each([
    [
      'sip:\n  rolls: [proxy]\n',
      /^node\.yaml:2:3: unknown key "sip\.rolls"; did you mean "roles"\? all \d+ keys: ringbridge check-config --schema$/,
    ],
    [
      'sip:\n  zzzzzzzz: 1\n',
      /^node\.yaml:2:3: unknown key "sip\.zzzzzzzz"; nearest: \w+, \w+, \w+; all \d+ keys: /,
    ],
    [
      'log:\n  levle: info\n',
      'node.yaml:2:3: unknown key "log.levle"; did you mean "level"? allowed here: level, format',
    ],
    ['overlay:\n  role: boss\n', 'node.yaml:2:3: "overlay.role": allowed: peer, client'],
    ['sip:\n  trunks: [{ name: a }]\n', /^node\.yaml:2:12: "sip\.trunks\.0\.uri": is missing; it is text$/],
    ['sip:\n  maxForks: many\n', /^node\.yaml:2:3: "sip\.maxForks": has to be a number/],
    ['sip:\n  maxForks: 0\n', 'node.yaml:2:3: "sip.maxForks": allowed: at least 1'],
    [
      'sip:\n  recursion:\n    depth: 2.5\n',
      /^node\.yaml:3:5: "sip\.recursion\.depth": has to be a whole number/,
    ],
    [
      'sip:\n  listen:\n    - udp://0.0.0.0:5060\n    - 7\n',
      /^node\.yaml:4:7: "sip\.listen\.1": has to be text/,
    ],
    ['- a\n', /^node\.yaml:1:1: the file has to be a mapping of overlay, sip/],
    ['sip: [', /^node\.yaml:1:\d+: not valid YAML/],
    ['sip: {}\nsip: {}\n', /^node\.yaml:2:1: not valid YAML: Map keys must be unique/],
    ['constructor: 1\n', /unknown key "constructor"/],
    ['sip: {}\nadmin: *common\n', /^node\.yaml:2:8: not valid YAML: "\*common" stands for nothing/],
    [LAUGHS, 'node.yaml:1:1: not valid YAML: aliases stand for more than 100 values'],
  ])('refuses %j with the place and what is allowed', (yaml, expected) => {
    expect(complaint(yaml)).toMatch(expected)
  })

  it('every fault has a line of its own', () => {
    expect(complaint('foo: 1\nbar: 2\nsip:\n  auth: maybe\n').split('\n')).toHaveLength(3)
  })

  it('a bomb of aliases is refused', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]', 'b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]']
    bomb.push('c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]', 'd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]')
    expect(complaint(bomb.join('\n'))).not.toBe('accepted')
  })

  it('is published as JSON Schema, strict and with descriptions', () => {
    const schema = jsonSchema() as {
      additionalProperties: boolean
      properties: Record<string, { properties: Record<string, unknown> }>
    }
    expect(schema.additionalProperties).toBe(false)
    expect(schema.properties['sip']?.properties['maxForks']).toMatchObject({
      type: 'integer',
      default: 10,
      minimum: 1,
    })
    expect(schema.properties['overlay']?.properties['name']).toMatchObject({
      description: /overlay instance/ as unknown,
    })
  })
})

describe('limits', () => {
  it('of storage and links are what the machines and shells are built with', () => {
    const defaults = readConfig('', 'n', {})
    expect(storageLimits(defaults)).toEqual(DEFAULT_STORAGE_LIMITS)
    expect(defaults.limits).toMatchObject({
      links: TLS_LIMITS.connectionsMax,
      linksPerSource: TLS_LIMITS.connectionsPerSourceMax,
      flows: STREAM_LIMITS.flowsMax,
      flowsPerSource: STREAM_LIMITS.flowsPerSourceMax,
    })
    const small = readConfig('limits: { storedResources: 1, storedValues: 2, storedBytes: 70000 }', 'n', {})
    expect(storageLimits(small)).toEqual({ resourcesMax: 1, valuesMax: 2, bytesMax: 70_000 })
  })
})

describe('limits of messages', () => {
  it('S-PA-01 are by default those of the parser: 64 KiB of head, 256 header fields, 70 Vias, 256 KiB of body', () => {
    const defaults = readConfig('', 'n', {})
    expect(sipTunables(defaults).limits).toMatchObject(DEFAULT_PARSE_LIMITS)
    expect(defaults.limits).toMatchObject({
      headBytes: 64 * 1024,
      headers: 256,
      vias: 70,
      bodyBytes: 256 * 1024,
    })
  })

  it('S-02 S-PA-01 leave what unfinished messages may hold by default at 64 MB', () => {
    const { flowsMax, messageBytesMax } = flowLimits(readConfig('', 'n', {}))
    const held = unfinishedBytesMax({ flows: flowsMax, messageBytes: messageBytesMax })
    expect(held).toBe(64 * 1024 * 1024)
  })
})

describe('configuration from the environment', () => {
  it('What Kubernetes says of services beside it is no configuration', () => {
    const links = {
      RINGBRIDGE_SIP_SERVICE_HOST: '10.0.0.1',
      RINGBRIDGE_SIP_SERVICE_PORT: '5060',
      RINGBRIDGE_SIP_SERVICE_PORT_SIP_TCP: '5060',
      RINGBRIDGE_SIP_PORT: 'udp://10.0.0.1:5060',
      RINGBRIDGE_SIP_PORT_5060_UDP: 'udp://10.0.0.1:5060',
      RINGBRIDGE_SIP_PORT_5060_UDP_ADDR: '10.0.0.1',
      RINGBRIDGE_ADMIN_PORT_8080_TCP_PROTO: 'tcp',
      RINGBRIDGE_SIP_0_SERVICE_HOST: '10.0.0.1',
    }
    expect(readConfig('', 'n', links)).toEqual(readConfig('', 'n', {}))
    expect(complaint('', { RINGBRIDGE_SIP_LISTEN: 'x' })).toMatch(/did you mean RINGBRIDGE_SIP__LISTEN/)
  })

  it('Two variables for one key are refused: which of them counts nobody could tell', () => {
    expect(complaint('', { RINGBRIDGE_ADMIN__TOKEN: 'a', RINGBRIDGE_ADMIN__TOKEN_FILE: '/run/token' })).toBe(
      'RINGBRIDGE_ADMIN__TOKEN and RINGBRIDGE_ADMIN__TOKEN_FILE both set "admin.token"; unset one of them',
    )
  })

  it('Something of the wrong type is told once', () => {
    expect(complaint('sip:\n  roles: registrar\n')).toBe(
      'node.yaml:2:3: "sip.roles": has to be a list, such as [a, b], not "registrar"',
    )
  })

  it('sets keys of any depth, words parted by underscores, over what the file says', () => {
    const config = readConfig('sip:\n  maxForks: 3\n  auth: none\n', 'node.yaml', {
      RINGBRIDGE_SIP__MAX_FORKS: '7',
      RINGBRIDGE_SIP__LISTEN: 'udp://127.0.0.1:1, tcp://127.0.0.1:2',
      RINGBRIDGE_SIP__ROLES: '[registrar]',
      RINGBRIDGE_SIP__RECURSION__DEPTH: '2',
      RINGBRIDGE_SIP__PUBLISHTEL: 'false',
      RINGBRIDGE_OVERLAY__NAME: '12345',
      RINGBRIDGE_REQUIRE_INTEROP: '1',
      OTHER__THING: 'x',
    })
    expect(config.sip).toMatchObject({
      maxForks: 7,
      auth: 'none',
      listen: ['udp://127.0.0.1:1', 'tcp://127.0.0.1:2'],
      roles: ['registrar'],
      recursion: { depth: 2, fetches: 20 },
    })
    expect(config.overlay.name).toBe('12345')
  })

  it('reads secrets from files, and only secrets', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-env-'))
    const file = join(folder, 'token')
    writeFileSync(file, 'hush\n')
    expect(readConfig('', 'n', { RINGBRIDGE_ADMIN__TOKEN_FILE: file }).admin.token).toBe('hush')
    expect(complaint('', { RINGBRIDGE_ADMIN__TOKEN_FILE: join(folder, 'none') })).toMatch(
      /RINGBRIDGE_ADMIN__TOKEN_FILE: .* cannot be read \(ENOENT\)/,
    )
    expect(complaint('', { RINGBRIDGE_SIP__AUTH_FILE: file })).toMatch(
      /RINGBRIDGE_SIP__AUTH_FILE: no such key/,
    )
    rmSync(folder, { recursive: true })
  })

  it('complains with the name of the variable', () => {
    expect(complaint('', { RINGBRIDGE_SIP__LISTN: 'x' })).toMatch(
      /RINGBRIDGE_SIP__LISTN: no such key; did you mean RINGBRIDGE_SIP__LISTEN\?/,
    )
    expect(complaint('', { RINGBRIDGE_SIP__MAX_FORKS: 'x' })).toBe(
      'RINGBRIDGE_SIP__MAX_FORKS: "sip.maxForks": has to be a number, not "x"',
    )
    expect(complaint('sip: [1]', { RINGBRIDGE_SIP__AUTH: 'none' })).toMatch(/RINGBRIDGE_SIP__AUTH/)
    expect(complaint('', { RINGBRIDGE___PROTO____X: '1' })).toMatch(/no such key/)
    expect(complaint('', { RINGBRIDGE_SIP__RECURSION__DEPHT: '1' })).toMatch(
      /no such key; did you mean RINGBRIDGE_SIP__RECURSION__DEPTH\?/,
    )
  })

  it('a variable with one underscore too few is refused, not passed over', () => {
    expect(complaint('', { RINGBRIDGE_SIP_MAX_FORKS: '7' })).toMatch(
      /^RINGBRIDGE_SIP_MAX_FORKS: no such key; did you mean RINGBRIDGE_SIP__MAX_FORKS\?/,
    )
    expect(complaint('', { RINGBRIDGE_ADMIN_TOKEN: 'x' })).toMatch(/did you mean RINGBRIDGE_ADMIN__TOKEN\?/)
    expect(complaint('', { RINGBRIDGE_COMMIT: 'x', RINGBRIDGE_REQUIRE_INTEROP: '1' })).toBe('accepted')
  })
})

describe('what this version can run', () => {
  function refusal(yaml: string, environment: Record<string, string> = {}): string {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-conf-'))
    const file = join(folder, 'node.yaml')
    writeFileSync(file, yaml)
    try {
      usableConfig(file, environment)
      return 'accepted'
    } catch (error) {
      return (error as Error).message.replace(`${folder}/`, '')
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it.each([
    ['overlay: { credentials: self-signed }', 'overlay.configuration'],
    ['overlay: { configuration: "https://example.org/x" }', 'overlay.name'],
    ['overlay: { configuration: discover }', 'overlay.name'],
    ['overlay: { name: example.org, configuration: "http://example.org/x" }', 'overlay.configuration'],
    ['overlay: { name: example.org, configuration: discover, account: a }', 'overlay.password'],
    ['overlay: { name: example.org, configuration: discover, authority: x }', 'overlay.authority'],
    ['overlay: { account: a, password: b }', 'overlay.account'],
    ['overlay: { enrollment: { certificate: x } }', 'overlay.enrollment.certificate'],
    ['overlay: { enrollment: { listen: "host.example:8443" } }', 'overlay.enrollment.listen'],
    [
      'overlay: { name: example.org, configuration: discover, account: a, password: b, enrollment: { listen: "127.0.0.1:8443" } }',
      'overlay.enrollment.listen',
    ],
    ['overlay: { configuration: file.xml }', 'overlay.account'],
    ['overlay: { listen: ["dtls://0.0.0.0:6084"] }', 'overlay.listen'],
    ['sip: { listen: ["sctp://0.0.0.0:5060"] }', 'sip.listen'],
    ['sip: { listen: ["tls://0.0.0.0", "wss://0.0.0.0:5061"] }', 'sip.listen'],
    ['sip: { listen: ["udp://[::]", "tcp://[::]", "tls://127.0.0.1:5060"] }', 'sip.listen'],
    ['sip: { tls: { certificate: c.pem } }', 'sip.tls.certificate'],
    ['sip: { tls: { verifyClients: require } }', 'sip.tls.ca'],
    ['sip: { websocket: { cookie: session } }', 'sip.websocket.cookie'],
    ['sip: { websocket: { cookie: session, secret: short } }', 'sip.websocket.secret'],
    ['sip: { engine: drachtio }', 'sip.drachtio.secret'],
    ['sip: { drachtio: { secret: x } }', 'sip.drachtio.secret'],
    ['sip: { engine: drachtio, drachtio: { secret: "a|b" } }', 'sip.drachtio.secret'],
    ['sip: { engine: drachtio, drachtio: { secret: x } }', 'sip.listen'],
    ['sip: { engine: drachtio, roles: [], drachtio: { secret: x } }', 'sip.engine'],
    ['sip: { engine: drachtio, listen: ["tcp://127.0.0.1:5070"], drachtio: { secret: x } }', 'sip.listen'],
    [
      'sip: { engine: drachtio, listen: ["udp://127.0.0.1:5070", "tcp://127.0.0.1:5070"], digestAlgorithms: [SHA-256, MD5], drachtio: { secret: x } }',
      'sip.digestAlgorithms',
    ],
    ['sip: { drachtio: { address: nowhere } }', 'sip.drachtio.address'],
    ['sip: { drachtio: { sipAddress: "sip.example.com:5060" } }', 'sip.drachtio.sipAddress'],
    [
      'sip: { engine: drachtio, listen: ["udp://127.0.0.1:5070", "tcp://127.0.0.1:5070"], drachtio: { secret: x, sipAddress: "0.0.0.0:5060" } }',
      'sip.drachtio.sipAddress',
    ],
    ['sip: { publish: userNode }', 'sip.publish'],
    ['sip: { alwaysProxy: true, overlayExit: true }', 'sip.alwaysProxy'],
    ['sip: { alwaysProxy: true, roles: [registrar, redirect] }', 'sip.alwaysProxy'],
    ['sip: { proxyRecord: true, roles: [registrar, redirect] }', 'sip.proxyRecord'],
    ['sip: { moved: { "bob@elsewhere.example": "sip:b@example.net" } }', 'sip.moved'],
    ['sip: { moved: { bob: "sip:b@example.net" } }', 'sip.moved'],
    ['sip: { sessionTimer: { expires: 600, minimum: 900 } }', 'sip.sessionTimer.expires'],
    ['sip: { sessionTimer: { expires: 600 }, roles: [registrar, redirect] }', 'sip.sessionTimer'],
    [
      'sip: { sessionTimer: { expires: 600 }, engine: drachtio, drachtio: { secret: x }, listen: ["udp://127.0.0.1:5070", "tcp://127.0.0.1:5070"] }',
      'sip.sessionTimer',
    ],
    ['sip: { registerHome: "sip:home.example.com" }', 'sip.registerHome'],
    ['sip: { roles: [registrar, redirect], registerHome: "home.example.com" }', 'sip.registerHome'],
    ['sip: { gateway: "gw" }', 'sip.gateway'],
    ['sip: { gateway: "sip:gw;transport=ws" }', 'sip.gateway'],
    ['sip: { gateway: "sip:gw", roles: [registrar, redirect] }', 'sip.gateway'],
    ['sip: { overlayExit: true, roles: [registrar, redirect] }', 'sip.overlayExit'],
    ['sip: { telDomain: other.example }', 'sip.telDomain'],
    ['sip: { telContext: "49 30" }', 'sip.telContext'],
    ['sip: { routes: [{ to: "sip:gw" }] }', 'sip.routes'],
    ['sip: { routes: [{ domain: example.net, prefix: "+49", to: "sip:gw" }] }', 'sip.routes'],
    ['sip: { routes: [{ domain: "exa mple.net", to: "sip:gw" }] }', 'sip.routes'],
    ['sip: { routes: [{ prefix: "+4a", to: "sip:gw" }] }', 'sip.routes'],
    ['sip: { routes: [{ domain: example.net, to: "sips:gw;transport=udp" }] }', 'sip.routes'],
    ['sip: { dns: { servers: ["ns.example.net"] } }', 'sip.dns.servers'],
    ['sip: { gateway: "trunk:line" }', 'sip.gateway'],
    ['sip: { trunks: [{ name: line, uri: "gw" }] }', 'sip.trunks'],
    ['sip: { trunks: [{ name: "a b", uri: "sip:gw" }] }', 'sip.trunks'],
    ['sip: { trunks: [{ name: a, uri: "sip:gw" }, { name: a, uri: "sip:gw" }] }', 'sip.trunks'],
    ['sip: { trunks: [{ name: a, uri: "sip:gw", username: u }] }', 'sip.trunks'],
    ['sip: { trunks: [{ name: a, uri: "sip:gw", register: true }] }', 'sip.trunks'],
    [
      'sip: { trunks: [{ name: a, uri: "sip:gw", username: u, passwordFile: /does/not/exist }] }',
      'sip.trunks',
    ],
    ['sip: { trunks: [{ name: a, uri: "sip:gw", address: "10.0.0.1/8" }] }', 'sip.trunks'],
    [
      'sip: { trunks: [{ name: a, uri: "sip:gw", numbers: { "+49": "bob@elsewhere.example" } }] }',
      'sip.trunks',
    ],
    ['sip: { trunks: [{ name: a, uri: "sip:gw" }], roles: [registrar, redirect] }', 'sip.trunks'],
    ['sip: { transitOverlays: [x] }', 'sip.transitOverlays'],
    ['sip: { appAttach: { plainSip: allowed } }', 'sip.appAttach.plainSip'],
    ['trace: { hep: "127.0.0.1:9060" }', 'trace.hep'],
    ['trace: { hep: "tcp://127.0.0.1:9060" }', 'trace.hep'],
    ['trace: { hep: "udp://127.0.0.1:0" }', 'trace.hep'],
    ['trace: { hepCaptureId: 4294967296 }', 'trace.hepCaptureId'],
    ['sip: { roles: [proxy, redirect] }', 'sip.roles'],
    ['sip: { roles: [proxy] }', 'sip.roles'],
    ['sip: { roles: [registrar] }', 'sip.roles'],
    ['sip: { roles: [registrar, proxy, proxy] }', 'sip.roles'],
    ['sip: { redirect: { proxies: [nonsense] } }', 'sip.redirect.proxies'],
    ['sip: { redirect: { proxies: ["a b.example:5060"] } }', 'sip.redirect.proxies'],
    ['sip: { redirect: { proxies: ["192.0.2.1.5:5060"] } }', 'sip.redirect.proxies'],
    ['sip: { advertise: "::::" }', 'sip.advertise'],
    ['sip: { advertise: "192.0.2.1:5060" }', 'sip.advertise'],
    ['sip: { domains: ["no spaces"] }', 'sip.domains'],
    ['sip: { users: /does/not/exist/users.jsonl }', 'sip.users'],
    ['sip: { users: /dev/null/users.jsonl }', 'sip.users'],
    [
      'sip: { listen: ["udp://127.0.0.1:5062", "tcp://127.0.0.1:5062", "udp://127.0.0.1:5062"] }',
      'sip.listen',
    ],
    ['admin: { listen: "127.0.0.1:5060" }', 'admin.listen'],
    ['overlay: { listen: ["tls://127.0.0.1:8079"] }', 'overlay.applicationListen'],
    ['overlay: { applicationListen: "tls://0.0.0.0:6084" }', 'overlay.applicationListen'],
    ['overlay: { name: "bad name" }', 'overlay.name'],
    ['overlay: { advertise: peer.example.com }', 'overlay.advertise'],
    ['overlay: { bootstrap: ["192.0.2.1:6084"] }', 'overlay.bootstrap'],
    ['overlay: { authority: ./a, bootstrap: ["no_such name"] }', 'overlay.bootstrap'],
    ['sip: { listen: [] }', 'sip.listen'],
    ['sip: { minExpires: 8000 }', 'sip.minExpires'],
    ['sip: { minExpires: 4000, defaultExpires: 3600 }', 'sip.defaultExpires'],
    ['sip: { overlayLifetimeMax: 100 }', 'sip.overlayLifetimeMax'],
    ['sip: { secret: short }', 'sip.secret'],
    ['sip: { listen: ["udp://host.example:5060"] }', 'sip.listen'],
    ['sip: { listen: ["5060"] }', 'sip.listen'],
    ['overlay: { bootstrap: ["a:b:c"] }', 'overlay.bootstrap'],
    ['overlay: { enrollment: { listen: "127.0.0.1:0", names: ["no name"] } }', 'overlay.enrollment.names'],
    ['overlay: { credentials: import }', 'overlay.configuration'],
    ['overlay: { certificate: x }', 'overlay.certificate'],
    ['admin: { listen: "0.0.0.0:8080" }', 'admin.token'],
    ['admin: { listen: "8080" }', 'admin.listen'],
    ['sip: { trusted: [{ mayCallOutside: true }] }', 'sip.trusted'],
    ['sip: { trusted: [{ address: 192.0.2.7/24 }] }', 'sip.trusted'],
    ['sip: { trusted: [{ address: [192.0.2.0/24, pbx.example.com] }] }', 'sip.trusted'],
    ['sip: { trusted: [{ identity: "*.example.com" }] }', 'sip.trusted'],
    ['sip: { trusted: [{ identity: "sip:alice@example.com" }] }', 'sip.trusted'],
    ['sip: { hostedUsers: [{ aor: a@elsewhere.example, account: a }] }', 'sip.hostedUsers'],
    ['sip: { hostedUsers: [{ aor: nobody, account: a }] }', 'sip.hostedUsers'],
    [
      'sip: { hostedUsers: [{ aor: a@dht.example.com, account: a }, { aor: "sip:a@DHT.example.com", account: b }] }',
      'sip.hostedUsers',
    ],
  ])('%s is refused by name, never ignored', (yaml, key) => {
    const message = refusal(yaml)
    expect(message).toContain(`"${key}"`)
    expect(message.split('\n')).toHaveLength(1)
  })

  it.each([
    [
      'sip:\n  defaultExpires: 3600\n  maxExpires: 1800\n',
      {},
      'node.yaml:2:3: "sip.defaultExpires": 3600 has to lie between sip.minExpires (60) and sip.maxExpires (1800)',
    ],
    [
      'sip:\n  auth: none\n',
      { RINGBRIDGE_SIP__MAX_EXPIRES: '30' },
      'RINGBRIDGE_SIP__MAX_EXPIRES: "sip.maxExpires": 30 has to be at least sip.minExpires (60)',
    ],
    [
      'sip:\n  auth: none\n  overlayLifetimeMax: 100\n',
      {},
      'node.yaml:3:3: "sip.overlayLifetimeMax": 100 has to be at least sip.overlayLifetimeMin (300)',
    ],
    [
      'sip:\n  overlayLifetimeMin: 9000\n  overlayLifetimeMax: 8000\n',
      {},
      'node.yaml:2:3: "sip.overlayLifetimeMin": 9000 has to be at most sip.overlayLifetimeMax (8000)',
    ],
    [
      'overlay:\n  name: example.org\n  role: client\n',
      {},
      /^node\.yaml:3:3: "overlay\.bootstrap": a client/,
    ],
    [
      'admin: {}\n',
      { RINGBRIDGE_ADMIN__LISTEN: '0.0.0.0:8080' },
      /^RINGBRIDGE_ADMIN__LISTEN: "admin\.token"/,
    ],
    ['sip:\n  tls:\n    privateKey: k.pem\n', {}, /^node\.yaml:3:5: "sip\.tls\.certificate"/],
    ['overlay:\n  name: a.example\n  credentials: import\n', {}, /^node\.yaml:3:3: "overlay\.configuration"/],
  ])('%j with %j points at a key that somebody has set', (yaml, environment, expected) => {
    expect(refusal(yaml, environment)).toMatch(expected)
  })

  it.each([
    ['sip: { maxExpires: 1800 }', 1800],
    ['sip: { minExpires: 4000 }', 4000],
    ['sip: { minExpires: 4000, maxExpires: 4000 }', 4000],
    ['sip: { minExpires: 600 }', 3600],
  ])('%s: the default that nobody has set lies between the bounds', (yaml, expected) => {
    expect(readConfig(yaml, 'node.yaml', {}).sip.defaultExpires).toBe(expected)
    expect(refusal(yaml)).toBe('accepted')
  })

  it('a node that would join by an address alone is told what is missing', () => {
    expect(refusal('overlay: { bootstrap: ["192.0.2.1:6084"] }')).toMatch(
      /overlay\.authority with a copy of the authority folder .*, or overlay\.configuration .*A second site/,
    )
  })

  it.each([
    '{}',
    'sip: { listen: ["udp://127.0.0.1:5062", "tcp://127.0.0.1:5062"] }',
    'sip: { roles: [registrar, redirect], redirect: { proxies: ["127.0.0.1:5060;transport=tcp"] } }',
    'sip: { roles: [] , listen: [] }',
    'sip: { listen: ["udp://0.0.0.0", "tcp://0.0.0.0:5060", "tls://0.0.0.0", "ws://0.0.0.0", "wss://0.0.0.0"] }',
    'sip: { listen: ["udp://0.0.0.0", "tcp://0.0.0.0", "udp://[::1]", "tcp://[::1]"] }',
    'sip: { engine: drachtio, listen: ["udp://127.0.0.1:5070", "tcp://127.0.0.1:5070"], drachtio: { secret: x } }',
    'admin: { listen: "0.0.0.0:8080", token: x }',
    'overlay: { configuration: c.xml, authority: ./a }',
    'overlay: { name: example.org, configuration: discover, account: a, password: b }',
    'overlay: { configuration: c.xml, credentials: self-signed }',
    'overlay: { enrollment: { listen: "0.0.0.0:8443" } }',
    'overlay: { credentials: import, configuration: c.xml, certificate: c.pem, privateKey: k.pem }',
    'overlay: { listen: ["tls://[::]:6084"], authority: ./a, bootstrap: ["peer1.example.com", foo, "[2001:db8::1]:6084"] }',
    'sip: { roles: [proxy, registrar], domains: [example.com, 192.0.2.1], advertise: "2001:db8::1" }',
    'sip: { users: ./users.jsonl, redirect: { proxies: ["[2001:db8::1]:5060", "sip.example.com"] } }',
    'sip: { trusted: [{ address: 192.0.2.0/24 }, { address: ["2001:db8::/32", 192.0.2.7], identity: pbx.example.com, transports: [tls], mayCallOutside: true }] }',
    'sip: { policy: { callOutside: listed, strangers: refuse }, hostedUsers: [{ aor: desk@dht.example.com, account: alice, mayCallOutside: true }] }',
    'sip: { listen: ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"] }\nadmin: { listen: "127.0.0.1:0" }\noverlay: { listen: ["tls://127.0.0.1:0"] }',
  ])('%s is good', (yaml) => {
    expect(refusal(yaml)).toBe('accepted')
  })
})

describe('a configuration that is read again', () => {
  it('names every key that counts only after a restart; limits and the log level are none of them', () => {
    const running = readConfig('limits: { flows: 5, authFailures: 3 }\nlog: { level: warn }', 'n', {})
    const read = readConfig(
      'sip: { domains: [a.example], recursion: { depth: 1 }, maxBindings: 3, maxForks: 2 }\nlog: { level: info }\nadmin: { token: hush }\nlimits: { requestsPerSource: 7 }',
      'n',
      {},
    )
    expect(waitingForRestart(running, running)).toEqual([])
    expect(waitingForRestart(running, read).sort()).toEqual([
      'admin.token',
      'sip.domains',
      'sip.recursion.depth',
    ])
  })
})
