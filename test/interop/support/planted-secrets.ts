/** Secrets that phones, operators and nodes have, planted where they should not be seen again, and a look for them in what comes out. */
import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What a phone may put into a call that nobody but the other phone is to read. */
export interface Planted {
  readonly password: string
  readonly sdes: string
  readonly ice: string
  readonly opaque: string
  readonly push: string
}

export function planted(): Planted {
  return {
    password: `password-${randomBytes(12).toString('hex')}`,
    sdes: `inline:${randomBytes(30).toString('base64')}`,
    ice: `ice-${randomBytes(12).toString('hex')}`,
    opaque: `vendor-${randomBytes(12).toString('hex')}`,
    push: `push-${randomBytes(12).toString('hex')}`,
  }
}

/** Everything under `folder` that is a file, by path. */
function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : [path]
  })
}

/** What stands in private key files below `folder`, line by line. */
export function keysIn(folder: string): string[] {
  return files(folder)
    .filter((path) => /key|\.pem$/i.test(path))
    .map((path) => readFileSync(path, 'latin1'))
    .filter((text) => text.includes('PRIVATE KEY'))
    .flatMap((text) => text.split('\n').filter((line) => line.length >= 40 && !line.startsWith('-')))
}

/** What of `secrets`, and of what no digest may leave behind, stands in a text; empty when all is well. */
export function leaks(text: string, secrets: readonly string[]): string[] {
  const found = secrets.filter((secret) => text.includes(secret))
  for (const form of [/response=\\?"?[0-9a-f]{16}/i, /authorization: *Digest +[^*\s]/i]) {
    const at = text.search(form)
    if (at >= 0) found.push(text.slice(at, at + 80))
  }
  return found
}

/** Whom a planted call is from and to; without `port` of a node nobody is asked. */
export interface PlantedCall {
  readonly port: number
  readonly domain: string
  readonly from: string
  readonly to: string
}

/** A call that carries what phones should not send and some do; resolves with the first answer that is none of 100 and 180. */
export async function plantedInvite(call: PlantedCall, secrets: Planted): Promise<string> {
  const { port, domain, from, to } = call
  const { sdes, ice, opaque, push, password } = secrets
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const own = `127.0.0.1:${socket.address().port}`
  const uri = `sip:${to}:${password}@${domain}`
  const body = [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', `a=ice-pwd:${ice}`],
    ...['m=audio 9 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 ${sdes}`, ''],
  ].join('\r\n')
  const send = async (cseq: number, credentials: string): Promise<string> => {
    const head = [
      `INVITE ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${own};branch=z9hG4bKplanted${cseq}`,
      `From: <sip:${from}:${password}@${domain}>;tag=planted`,
      `To: <sip:${to}@${domain}>`,
      'Call-ID: planted',
      `CSeq: ${cseq} INVITE`,
      'Max-Forwards: 70',
      `Contact: <sip:${from}@${own};pn-provider=x;pn-prid=${push}>`,
      `Authorization: Bearer ${opaque}`,
      `X-Vendor-Secret: ${opaque}`,
      `Proxy-Authorization: ${credentials}`,
      'Content-Type: application/sdp',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ].join('\r\n')
    socket.send(`${head}\r\n\r\n${body}`, port, '127.0.0.1')
    for (;;) {
      const [answer] = (await once(socket, 'message')) as [Buffer]
      const text = answer.toString('latin1')
      if (!/^SIP\/2\.0 1/.test(text) && text.includes(`CSeq: ${cseq} `)) return text
    }
  }
  const nonsense = `Digest username="${from}", realm="${domain}", nonce="${opaque}", uri="${uri}", response="${'f'.repeat(32)}"`
  const challenged = await send(1, nonsense)
  const nonce = /^Proxy-Authenticate:.*nonce="([^"]+)"/im.exec(challenged)?.[1]
  if (nonce === undefined) throw new Error(`no challenge: ${challenged}`)
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
  const [ha1, ha2] = [md5(`${from}:${domain}:${password}`), md5(`INVITE:${uri}`)]
  const response = md5(`${ha1}:${nonce}:00000001:cn:auth:${ha2}`)
  const answer = await send(
    2,
    `Digest username="${from}", realm="${domain}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="cn"`,
  )
  socket.close()
  return answer
}
