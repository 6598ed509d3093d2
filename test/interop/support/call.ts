import { expect } from 'vitest'
import { freePort, Running } from './processes.ts'
import { register, sipp } from './sipp.ts'
import { COMMAND, DOMAIN } from './testbed.ts'

/** A whole short call with SIPp at both ends; the callee registers first. Fails when anything does. */
export async function shortCall(
  caller: { readonly user: string; readonly at: string },
  callee: { readonly user: string; readonly at: string },
): Promise<void> {
  const port = await freePort()
  const answering = sipp({ scenario: 'uas.xml', target: callee.at, transport: 'udp', port })
  try {
    expect(await register(callee.at, callee.user, port, 'udp'), `REGISTER of ${callee.user}`).toBe(0)
    const calling = sipp({
      scenario: 'uac.xml',
      target: caller.at,
      transport: 'udp',
      user: caller.user,
      keys: { callee: callee.user },
    })
    expect(await calling.exit(), calling.output).toBe(0)
    expect(await answering.exit(), answering.output).toBe(0)
  } finally {
    await answering.stop('SIGKILL')
  }
}

/** A call that is up and stays up until `end` hangs up; the BYE goes the way of the call. */
export class LongCall {
  private readonly caller: Running
  private readonly callee: Running

  private constructor(caller: Running, callee: Running) {
    this.caller = caller
    this.callee = callee
  }

  static async start(
    caller: { readonly user: string; readonly at: string },
    callee: { readonly user: string; readonly at: string },
    seconds: number,
  ): Promise<LongCall> {
    const answering = phone('answer', callee, `${callee.user}@${DOMAIN}`, '--calls', '1', '--seconds', '170')
    await answering.line((line) => line.includes('status=200'), 'registered')
    const calling = phone(
      'call',
      caller,
      `${caller.user}@${DOMAIN}`,
      callee.user,
      '--seconds',
      String(seconds),
    )
    await calling.line((line) => line.includes('answer status=200'), 'answered')
    return new LongCall(calling, answering)
  }

  /** Waits for its seconds to be over; both ends must have seen the BYE through. */
  async end(): Promise<void> {
    expect(await this.caller.exit(), this.caller.output).toBe(0)
    expect(await this.callee.exit(), this.callee.output).toBe(0)
  }

  async stop(): Promise<void> {
    await this.caller.stop('SIGKILL')
    await this.callee.stop('SIGKILL')
  }
}

function phone(
  verb: string,
  { user, at }: { readonly user: string; readonly at: string },
  ...args: string[]
): Running {
  const [aor, ...rest] = args
  return new Running(process.execPath, [
    ...[COMMAND, 'phone', verb, aor as string],
    ...rest,
    ...['--server', at, '--password', `pw-${user}`],
  ])
}
