/** `ringbridge phone`: a small test phone over plain SIP. */
import { isIP } from 'node:net'
import type { Request } from 'sip'
import {
  EXIT,
  noneLeft,
  oneOf,
  print,
  readArgs,
  UsageError,
  wholeNumber,
  type Command,
  verbOf,
} from '../command.ts'
import { Phone, type Dialog, type PhoneSettings } from '../phone/phone.ts'
import { parseHostPort } from '../../app/config/endpoint.ts'
import { readUtf8 } from '../../app/config/text-file.ts'
import { NoAnswer, serverAddress, type TlsTrust } from '../phone/server-address.ts'
import { tryCall } from '../phone/try-call.ts'

const HELP = `ringbridge phone register AOR            register, and stay for --seconds
ringbridge phone call    AOR TARGET      call, stay connected for --seconds, hang up
ringbridge phone answer  AOR             register and answer calls and texts for --seconds
ringbridge phone message AOR TARGET TEXT send a text
ringbridge phone try     AOR TARGET      be both phones: TARGET registers, AOR calls it, hangs up

A small test phone without sound; SIGINT (Ctrl-C) and SIGTERM end a call that is up, and what answer has registered. AOR is user@domain; a TARGET without a domain is in the same. Exit code 1 when the server
refuses or does not answer. Redirections (3xx) are followed, but not over TLS.

  --server HOST:PORT     registrar and proxy, IPv4 or a name (default 127.0.0.1:5060)
  --transport udp|tcp|tls  (default udp)
  --ca FILE              PEM of the authorities to trust with tls (default: the public ones)
  --insecure             with tls: whatever certificate the server shows
  --username NAME        digest user name (default: user part of the AOR)
  --password WORD        digest password; or
  --password-file FILE   file that holds it
  --callee-server HOST:PORT      try: where TARGET registers (default: the same)
  --callee-password WORD         try: its password; or
  --callee-password-file FILE    file that holds it
  --expires SECONDS      of the registration (default 600)
  --seconds N            how long to stay (register: 0, call: 2, answer: 60)
  --calls N              answer: end after N calls and texts
  --json                 one JSON object a line`

const OPTIONS = {
  server: { type: 'string', default: '127.0.0.1:5060' },
  transport: { type: 'string', default: 'udp' },
  ca: { type: 'string' },
  insecure: { type: 'boolean', default: false },
  username: { type: 'string' },
  password: { type: 'string' },
  'password-file': { type: 'string' },
  'callee-server': { type: 'string' },
  'callee-password': { type: 'string' },
  'callee-password-file': { type: 'string' },
  expires: { type: 'string', default: '600' },
  seconds: { type: 'string' },
  calls: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const

/** Words each verb takes, itself included; a text of several goes in quotes. */
const WORDS = { register: 2, answer: 2, call: 3, try: 3, message: 4 } as const

export const phone: Command = {
  help: HELP,
  run: async (args) => {
    const { values, positionals } = readArgs(args, OPTIONS)
    const [verb, address, target, text] = positionals
    const aor = address?.replace(/^sips?:/i, '')
    const action = verbOf(verb, 'phone', ['register', 'call', 'answer', 'message', 'try'])
    noneLeft(positionals, WORDS[action])
    if (aor === undefined || !/^[^@\s]+@[^@\s]+$/.test(aor)) throw new UsageError('user@domain is expected')
    const say = (event: string, fields: Record<string, string | number>): void => {
      if (values.json) print(JSON.stringify({ event, ...fields }))
      else print([event, ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)].join(' '))
    }
    const ca = values.ca === undefined ? undefined : textIn(values.ca, '--ca')
    const trust = (server: string): TlsTrust => {
      const { host } = parseHostPort(server, '--server', 5060)
      return { ca, name: isIP(host) === 0 ? host : undefined, insecure: values.insecure }
    }
    const settings: PhoneSettings = {
      aor,
      username: values.username ?? (aor.split('@')[0] as string),
      password:
        values['password-file'] === undefined
          ? values.password
          : textIn(values['password-file'], '--password-file'),
      server: await serverAddress(values.server),
      transport: oneOf(values.transport, 'transport', ['udp', 'tcp', 'tls']),
      tls: trust(values.server),
    }
    const expires = wholeNumber(values.expires, 'expires', 0, 604_800)
    const stay = (fallback: number): number =>
      wholeNumber(values.seconds ?? String(fallback), 'seconds', 0, 86_400)
    const act = async (device: Phone): Promise<number> => {
      switch (action) {
        case 'register':
          return register(device, expires, stay(0), say, true)
        case 'answer':
          return answer(
            device,
            expires,
            stay(60),
            wholeNumber(values.calls ?? '1000000', 'calls', 1, 1_000_000),
            say,
          )
        case 'call':
          return call(device, addressOf(needed(target, 'whom to call'), aor), stay(2), say)
        case 'try':
          return tryBoth(
            device,
            {
              ...settings,
              ...userOf(addressOf(needed(target, 'whom to call'), aor)),
              password:
                values['callee-password-file'] === undefined
                  ? values['callee-password']
                  : textIn(values['callee-password-file'], '--callee-password-file'),
              server: await serverAddress(values['callee-server'] ?? values.server),
              tls: trust(values['callee-server'] ?? values.server),
            },
            expires,
            say,
          )
        case 'message': {
          const to = addressOf(needed(target, 'whom to send to'), aor)
          const response = await device.message(to, needed(text, 'the text'))
          say('message', { status: response.status, reason: response.reason })
          return response.status < 300 ? EXIT.done : EXIT.failed
        }
      }
    }
    try {
      return await withPhone(settings, act)
    } catch (error) {
      if (!(error instanceof NoAnswer) || !values.json) throw error
      say('no-answer', { reason: error.message })
      return EXIT.failed
    }
  },
}

async function withPhone(settings: PhoneSettings, act: (device: Phone) => Promise<number>): Promise<number> {
  const device = await Phone.open(settings)
  // The library prints connection errors with console.log; standard output is for what this command reports.
  const { log } = console
  console.log = () => undefined
  try {
    return await act(device)
  } finally {
    console.log = log
    device.close()
  }
}

/** `bob` is somebody in the caller's own domain; a scheme in front is taken off. */
export function addressOf(target: string, aor: string): string {
  const bare = target.replace(/^sips?:/i, '')
  return bare.includes('@') ? bare : `${bare}${aor.slice(aor.indexOf('@'))}`
}

function userOf(aor: string): Pick<PhoneSettings, 'aor' | 'username'> {
  return { aor, username: aor.split('@')[0] as string }
}

async function tryBoth(caller: Phone, settings: PhoneSettings, expires: number, say: Say): Promise<number> {
  const callee = await Phone.open(settings)
  try {
    const worked = await tryCall(
      { caller, callee },
      expires,
      () => performance.now(),
      ({ step, status, reason, ms }) => say(step, { status, reason, ms }),
    )
    return worked ? EXIT.done : EXIT.failed
  } finally {
    callee.close()
  }
}

type Say = (event: string, fields: Record<string, string | number>) => void

async function register(
  device: Phone,
  expires: number,
  seconds: number,
  say: Say,
  sameEachTime = false,
): Promise<number> {
  const response = await device.register(expires, sameEachTime)
  say('register', {
    status: response.status,
    reason: response.reason,
    bindings: response.headers.contact?.length ?? 0,
  })
  if (response.status >= 300) return EXIT.failed
  if (seconds > 0) await wait(seconds)
  return EXIT.done
}

async function answer(
  device: Phone,
  expires: number,
  seconds: number,
  calls: number,
  say: Say,
): Promise<number> {
  let answered = 0
  let enough: () => void = () => undefined
  const allAnswered = new Promise<void>((resolve) => (enough = resolve))
  device.onRequest = (request: Request) => {
    const from = request.headers.from.uri
    switch (request.method) {
      case 'INVITE':
        say('call', { from })
        device.respond(request, 180, 'Ringing', request.headers['call-id'])
        device.respond(request, 200, 'OK', request.headers['call-id'])
        return
      case 'BYE':
        device.respond(request, 200, 'OK')
        say('ended', { from })
        if (++answered >= calls) enough()
        return
      case 'MESSAGE':
        device.respond(request, 200, 'OK')
        say('text', { from, text: request.content ?? '' })
        if (++answered >= calls) enough()
        return
      case 'ACK':
        return
      case 'CANCEL':
      case 'OPTIONS':
      case 'NOTIFY':
        device.respond(request, 200, 'OK')
        return
      default:
        device.respond(request, 405, 'Method Not Allowed')
    }
  }
  const registered = await register(device, expires, 0, say)
  if (registered !== EXIT.done) return registered
  const told = await wait(seconds, allAnswered)
  const removed = await soon(device.register(0), told)
  say('unregister', { status: removed.status, reason: removed.reason })
  return EXIT.done
}

async function call(device: Phone, target: string, seconds: number, say: Say): Promise<number> {
  let farEnd = false
  let farEndHungUp: () => void = () => undefined
  const hungUp = new Promise<void>((resolve) => (farEndHungUp = resolve))
  device.onRequest = (request: Request) => {
    if (request.method === 'ACK') return
    device.respond(
      request,
      request.method === 'BYE' ? 200 : 405,
      request.method === 'BYE' ? 'OK' : 'Method Not Allowed',
    )
    if (request.method !== 'BYE') return
    farEnd = true
    farEndHungUp()
  }
  const { response, dialog } = await device.invite(target, (progress) => {
    say('progress', { status: progress.status, reason: progress.reason })
  })
  say('answer', { status: response.status, reason: response.reason })
  if (dialog === undefined) return EXIT.failed
  const told = await wait(seconds, hungUp)
  return farEnd ? EXIT.done : soon(hangUp(device, dialog, say), told)
}

async function hangUp(device: Phone, dialog: Dialog, say: Say): Promise<number> {
  const response = await device.bye(dialog)
  say('bye', { status: response.status, reason: response.reason })
  return response.status < 300 ? EXIT.done : EXIT.failed
}

function textIn(file: string, option: string): string {
  return readUtf8(file, (problem) => new UsageError(`${option}: ${file} ${problem}`)).trim()
}

function needed(value: string | undefined, what: string): string {
  if (value === undefined) throw new UsageError(`${what} is missing`)
  return value
}

/**
 * Resolves after so many seconds, when `end` does, or when somebody ends the command, which a second signal does at once: the phone at
 * the far end is to hear that this one hangs up, and the registrar that nobody is here any more. True when somebody did.
 */
function wait(seconds: number, end?: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const over = (told: boolean): void => {
      clearTimeout(timer)
      for (const signal of SIGNALS) process.off(signal, onSignal)
      resolve(told)
    }
    const onSignal = (): void => over(true)
    const timer = setTimeout(() => over(false), seconds * 1000)
    for (const signal of SIGNALS) process.on(signal, onSignal)
    void end?.then(() => over(false))
  })
}

/** Whoever has told it to end does not wait half a minute for a server that is gone. */
function soon<T>(work: Promise<T>, told: boolean): Promise<T> {
  if (!told) return work
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new NoAnswer('ended; the server did not answer')), FAREWELL_MS).unref()
  })
  return Promise.race([work, late])
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** Judgement: a server that is there answers within milliseconds. */
const FAREWELL_MS = 2_000
