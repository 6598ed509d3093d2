/**
 * The part of drachtio-srf that is used here, and the one place where it is loaded: only when the engine is chosen, so that
 * everybody else pays nothing for it.
 */
import type { Socket } from 'node:net'

export interface SrfRequest {
  readonly method: string
  readonly source_address: string
  readonly source_port: number
  readonly protocol: string
  readonly msg: { readonly raw: string }
  on(event: 'cancel', listener: () => void): unknown
  /** Calls back once, when all is over; never when the connection is lost before that. */
  proxy(
    options: ProxyOptions,
    done: (error: unknown, result?: { readonly finalStatus?: number }) => void,
  ): unknown
}

export interface ProxyOptions {
  readonly destination: string[]
  readonly forking: 'simultaneous' | 'sequential'
  readonly remainInDialog: boolean
  readonly headers: Record<string, string>
}

export interface SrfResponse {
  send(
    status: number,
    reason: string,
    options: { readonly headers: Record<string, string> },
    done: (error: unknown) => void,
  ): void
}

export interface Srf {
  /** What is below the public face: its sockets can be had nowhere else. */
  readonly app: {
    readonly client: { readonly wp: { on(event: 'connect', got: (socket: Socket) => void): void } }
  }
  use(method: string, handler: (request: SrfRequest, response: SrfResponse) => void): void
  connect(options: object): void
  on(
    event: 'connect',
    listener: (error: unknown, addresses?: string, version?: string | null) => void,
  ): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
  on(event: 'close', listener: () => void): unknown
}

export async function loadSrf(): Promise<new () => Srf> {
  const loaded = (await import('drachtio-srf')) as unknown as { readonly default: new () => Srf }
  return loaded.default
}
