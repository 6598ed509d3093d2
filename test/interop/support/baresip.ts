import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, freePortPair, Running } from './processes.ts'
import { DOMAIN } from './testbed.ts'
import { Watched } from './watched.ts'

export interface BaresipEvent {
  readonly type: string
  readonly param: string
}

/** A minute of 440 Hz as a WAV file: 8 kHz, 16 bit, mono. */
function tone(): Buffer {
  const samples = 60 * 8000
  const wav = Buffer.alloc(44 + 2 * samples)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + 2 * samples, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(8000, 24)
  wav.writeUInt32LE(16_000, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(2 * samples, 40)
  for (let i = 0; i < samples; i++)
    wav.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / 8000)), 44 + 2 * i)
  return wav
}

/** A baresip phone with a tone for a microphone, steered over its control port (JSON in netstrings). */
export class Baresip {
  private readonly process: Running
  private readonly control: Socket
  private readonly events: BaresipEvent[] = []
  private readonly watched = new Watched()
  private buffered = Buffer.alloc(0)

  private constructor(process: Running, control: Socket) {
    this.process = process
    this.control = control
    control.on('data', (bytes: Buffer) => {
      this.buffered = Buffer.concat([this.buffered, bytes])
      this.readNetstrings()
    })
    control.on('error', () => undefined)
  }

  /** Starts a phone for `user` that registers at `target` over `transport`. */
  static async start(init: {
    user: string
    password?: string
    target: string
    transport: 'udp' | 'tcp' | 'tls'
    /** PEM file of the authority that its server's certificate must hang under, with TLS. */
    ca?: string
    domain?: string
    register?: boolean
    /** Its line of the accounts file, instead of one made of the rest. */
    account?: string
  }): Promise<Baresip> {
    const folder = mkdtempSync(join(tmpdir(), 'ringbridge-baresip-'))
    // It listens for TLS on the next one.
    const sipPort = await freePortPair()
    const controlPort = await freePort()
    const rtpPort = 30_000 + 2 * Math.floor((await freePort()) / 8)
    const domain = init.domain ?? DOMAIN
    const modules = ['account', 'menu', 'g711', 'aubridge', 'aufile', 'ctrl_tcp']
    const config = [
      `sip_listen 127.0.0.1:${sipPort}`,
      'sip_trans_def udp',
      ...(init.ca === undefined ? [] : [`sip_cafile ${init.ca}`]),
      'net_interface 127.0.0.1',
      `rtp_ports ${rtpPort}-${rtpPort + 20}`,
      'rtp_stats yes',
      'audio_player aubridge,nil',
      `audio_source aufile,${join(folder, 'tone.wav')}`,
      'audio_alert aubridge,nil',
      `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
      'module_path /usr/lib/baresip/modules',
      // An instance-id, which it wants for several flows.
      ...(init.account === undefined ? [] : ['module_tmp uuid.so']),
      ...modules.map(
        (name) =>
          `${name === 'menu' || name === 'account' || name === 'ctrl_tcp' ? 'module_app' : 'module'} ${name}.so`,
      ),
    ]
    const password = init.password ?? `pw-${init.user}`
    const account =
      init.account ??
      `<sip:${init.user}@${domain};transport=${init.transport}>;auth_pass=${password}` +
        `;outbound="sip:${init.target};transport=${init.transport}"` +
        `;regint=${init.register === false ? 0 : 600};answermode=manual`
    writeFileSync(join(folder, 'config'), `${config.join('\n')}\n`)
    writeFileSync(join(folder, 'accounts'), `${account}\n`)
    writeFileSync(join(folder, 'contacts'), '')
    writeFileSync(join(folder, 'tone.wav'), tone())
    const running = new Running('baresip', ['-f', folder, '-v'])
    try {
      await running.line((line) => line.includes('baresip is ready'), 'baresip start', 20_000)
      const control = connect(controlPort, '127.0.0.1')
      await once(control, 'connect')
      return new Baresip(running, control)
    } catch (error) {
      await running.stop('SIGKILL')
      throw error
    }
  }

  command(command: string, params = ''): void {
    const json = JSON.stringify({ command, params, token: command })
    this.control.write(`${Buffer.byteLength(json)}:${json},`)
  }

  /** Waits until its REGISTER was accepted: seen in its output, since that may be before its control port is connected. */
  async registered(): Promise<void> {
    await this.process.line((line) => /200 OK .*\[\d+ binding/.test(line), 'registration', 30_000)
  }

  /** Waits for a call to ring and picks up. */
  async answer(): Promise<void> {
    await this.event('CALL_INCOMING')
    this.command('accept')
    await this.event('CALL_ESTABLISHED')
  }

  dial(uri: string): void {
    this.command('dial', uri)
  }

  /** The first event of `type` that has not been asked for yet; earlier ones count. */
  async event(type: string, timeoutMs = 30_000): Promise<BaresipEvent> {
    const found = await this.watched.until(() => {
      const index = this.events.findIndex((event) => event.type === type)
      return index < 0 ? undefined : this.events.splice(index, 1)[0]
    }, timeoutMs)
    if (found !== undefined) return found
    throw new Error(`baresip: no ${type}; events ${JSON.stringify(this.events)}\n${this.process.output}`)
  }

  get output(): string {
    return this.process.output
  }

  async stop(): Promise<void> {
    this.control.destroy()
    await this.process.stop()
  }

  private readNetstrings(): void {
    for (;;) {
      const colon = this.buffered.indexOf(0x3a)
      if (colon < 0) return
      const length = Number(this.buffered.toString('latin1', 0, colon))
      if (this.buffered.length < colon + length + 2) return
      const text = this.buffered.toString('utf8', colon + 1, colon + 1 + length)
      this.buffered = this.buffered.subarray(colon + length + 2)
      const message = JSON.parse(text) as { event?: boolean; type?: string; param?: string }
      if (message.event !== true) continue
      this.events.push({ type: message.type ?? '', param: message.param ?? '' })
      this.watched.wake()
    }
  }
}
