/** Calls between the overlay and another domain: Kamailio as its proxy, dnsmasq as the name server of both. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { Callee } from './support/callee.ts'
import { Caller } from './support/caller.ts'
import { Kamailio } from './support/kamailio.ts'
import { sdp } from './support/ladder.ts'
import { NAME_SERVER, NameServer } from './support/name-server.ts'
import { freePort, type Running } from './support/processes.ts'
import { available, interop, type Tool } from './support/require.ts'
import { register, sipp } from './support/sipp.ts'
import { Sites } from './support/sites.ts'
import { DOMAIN, user } from './support/testbed.ts'

const TOOLS: readonly Tool[] = ['sipp', 'kamailio', 'dnsmasq', 'unshare']
const FRIEND = 'sip:friend@pbx.example.com'
const A = sdp(40_000)
const B = sdp(40_002)

let sites: Sites
let names: NameServer
let pbx: Kamailio
let friendPort: number
let deadPort: number
let pstnPort: number

beforeAll(async () => {
  if (!TOOLS.every(available)) return
  const sip = { dns: { servers: [NAME_SERVER] } }
  const passwordFile = join(mkdtempSync(join(tmpdir(), 'ringbridge-trunk-')), 'password')
  writeFileSync(passwordFile, 'pw-line\n')
  const trunk = {
    name: 'provider',
    uri: 'sip:pbx.example.com;transport=udp',
    username: 'line',
    passwordFile,
    register: true,
    expires: 60,
    numbers: { '+4930777': `${user(3)}@${DOMAIN}` },
  }
  // Node 1 has the line into the telephone network.
  const lines = { trunks: [trunk], gateway: 'trunk:provider', telDomain: DOMAIN }
  sites = await Sites.start({ nodes: 2, users: 8 }, { 0: { sip }, 1: { sip: { ...sip, ...lines } } })
  friendPort = await freePort()
  deadPort = await freePort()
  pstnPort = await freePort()
  const address = `127.0.0.1:${await freePort()}`
  const [pbxPort, dhtPort] = [address.split(':')[1], sites.site(0).sip.split(':')[1]]
  names = await NameServer.start([
    '--naptr-record=pbx.example.com,10,10,S,SIP+D2T,,_sip._tcp.pbx.example.com',
    '--naptr-record=pbx.example.com,20,10,S,SIP+D2U,,_sip._udp.pbx.example.com',
    // Nobody listens where TCP would be preferred.
    `--srv-host=_sip._tcp.pbx.example.com,host.example.com,${deadPort},10,10`,
    `--srv-host=_sip._udp.pbx.example.com,host.example.com,${pbxPort},10,10`,
    `--srv-host=_sip._udp.${DOMAIN},host.example.com,${dhtPort},10,10`,
    '--host-record=host.example.com,127.0.0.1',
    '--local-ttl=60',
  ])
  pbx = await Kamailio.start(
    { address, friend: `127.0.0.1:${friendPort}`, pstn: `127.0.0.1:${pstnPort}` },
    names.surrounding,
  )
})
afterAll(async () => {
  await pbx?.stop()
  await names?.stop()
  await sites?.stop()
})

/** Both ends of a call to their end. */
async function bothEnd(calling: Running, answering: Running): Promise<void> {
  const both = () => [calling, answering].map((phone) => phone.output).join('\n') + pbx.log
  try {
    expect(await calling.exit(), both()).toBe(0)
    expect(await answering.exit(), both()).toBe(0)
  } finally {
    await calling.stop('SIGKILL')
    await answering.stop('SIGKILL')
  }
}

/** A whole call as the caller sees it; who is called hangs up. */
function called(uri: string, challenge: 407 | 'none'): Caller {
  return new Caller(uri)
    .begins('INVITE', { body: A }, challenge)
    .gets(180)
    .gets(200, { dialog: true, check: { body: 'm=audio 40002' } })
    .asks('ACK')
    .asked('BYE')
    .answers(200)
}

function hangsUp(vias: number): Callee {
  return new Callee(vias)
    .begun('INVITE', { check: { body: 'm=audio 40000' } })
    .answers(180)
    .answers(200, { body: B })
    .asked('ACK')
    .pause(200)
    .asks('BYE')
    .gets(200)
}

describe('calls between the overlay and another domain', () => {
  interop(
    TOOLS,
    'S3263-4.1-01 S3263-4.2-01 S3263-4.3-01 a phone calls out: NAPTR, SRV, past a server that refuses, to Kamailio and back by the routes of the dialog',
    async () => {
      const answering = sipp({
        scenario: hangsUp(3),
        target: pbx.address,
        transport: 'udp',
        port: friendPort,
      })
      const calling = sipp({
        scenario: called(FRIEND, 407),
        target: sites.site(1).sip,
        transport: 'udp',
        user: user(1),
      })
      await bothEnd(calling, answering)
      expect(names.wasAsked('NAPTR', 'pbx.example.com')).toBe(true)
      expect(names.wasAsked('SRV', '_sip._tcp.pbx.example.com')).toBe(true)
      expect(pbx.log).toMatch(/request INVITE sip:friend@pbx\.example\.com from 127\.0\.0\.1:\d+ by udp/)
    },
  )

  interop(
    TOOLS,
    'a phone of the other domain calls user@overlay, who is registered at a node that DNS does not name',
    async () => {
      const port = await freePort()
      const answering = sipp({ scenario: hangsUp(4), target: sites.site(1).sip, transport: 'udp', port })
      expect(await register(sites.site(1).sip, user(2), port, 'udp')).toBe(0)
      const calling = sipp({
        scenario: called(`sip:${user(2)}@${DOMAIN}`, 'none'),
        target: pbx.address,
        transport: 'udp',
        user: 'friend',
        keys: { domain: 'pbx.example.com' },
      })
      await bothEnd(calling, answering)
      expect(names.wasAsked('SRV', `_sip._udp.${DOMAIN}`)).toBe(true)
    },
  )

  interop(TOOLS, 'S3263-LO-01 a domain without SIP is 404 with a warning that names it', async () => {
    const calling = sipp({
      scenario: new Caller('sip:x@nowhere.example.com')
        .begins('INVITE', { body: A })
        .gets(404, { check: { 'Warning:': 'nowhere.example.com' } })
        .ackFailure(),
      target: sites.site(0).sip,
      transport: 'udp',
      user: user(1),
    })
    expect(await calling.exit(), calling.output).toBe(0)
  })

  interop(
    TOOLS,
    'S-24 E46 nobody relays through the overlay: strangers get 403 for another domain',
    async () => {
      const calling = sipp({
        scenario: new Caller(FRIEND).begins('INVITE', { body: A }, 'none').gets(403).ackFailure(),
        target: sites.site(0).sip,
        transport: 'udp',
        user: 'eve',
        keys: { domain: 'evil.example.com' },
      })
      expect(await calling.exit(), calling.output).toBe(0)
    },
  )
})

describe('a line of Kamailio into the telephone network (Peer G)', () => {
  interop(
    TOOLS,
    'S3261-22-01 S3261-10.2-03 registers with digest and brings calls for its number to whoever has it in the overlay',
    async () => {
      await sites.site(1).said('trunk_registered')
      await pbx.request(/REGISTER sip:pbx\.example\.com .* To sip:line@pbx\.example\.com/)
      expect(await sites.site(1).metric('p2psip_sip_trunks{state="registered"}')).toBe(1)
      const port = await freePort()
      const answering = sipp({ scenario: hangsUp(4), target: sites.site(0).sip, transport: 'udp', port })
      expect(await register(sites.site(0).sip, user(3), port, 'udp')).toBe(0)
      const calling = sipp({
        scenario: called('sip:+4930777@pbx.example.com', 'none'),
        target: pbx.address,
        transport: 'udp',
        user: '+15559999',
        keys: { domain: 'pstn.example.com' },
      })
      await bothEnd(calling, answering)
    },
  )

  interop(
    TOOLS,
    'M-04 takes calls to numbers that nobody in the overlay has; the challenge of the other side never reaches the phone',
    async () => {
      const answering = sipp({ scenario: hangsUp(3), target: pbx.address, transport: 'udp', port: pstnPort })
      const calling = sipp({
        scenario: called(`sip:+1-555-1234@${DOMAIN};user=phone`, 407),
        target: sites.site(1).sip,
        transport: 'udp',
        user: user(1),
      })
      await bothEnd(calling, answering)
      expect(pbx.log).toMatch(/request INVITE sip:\+15551234@pbx\.example\.com;user=phone/)
    },
  )

  interop(TOOLS, 'S-24 E46 is closed to strangers, whose calls to numbers are calls to nobody', async () => {
    const calling = sipp({
      scenario: new Caller(`sip:+15551234@${DOMAIN}`)
        .begins('INVITE', { body: A }, 'none')
        .gets(404)
        .ackFailure(),
      target: sites.site(1).sip,
      transport: 'udp',
      user: 'eve',
      keys: { domain: 'evil.example.com' },
    })
    expect(await calling.exit(), calling.output).toBe(0)
  })
})
