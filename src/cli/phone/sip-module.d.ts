/** The part of npm `sip` 0.0.6 that the test phone uses; the package has no types of its own. */
declare module 'sip' {
  export interface Uri {
    schema: string
    user?: string | undefined
    host: string
    port?: number | undefined
    params: Record<string, string | null>
  }
  export interface Address {
    name?: string | undefined
    uri: string
    params: Record<string, string | null>
  }
  export interface Headers {
    to: Address
    from: Address
    'call-id': string
    cseq: { seq: number; method: string }
    via?: unknown[]
    contact?: Address[]
    route?: Address[]
    'record-route'?: Address[]
    'www-authenticate'?: Record<string, string>[]
    'proxy-authenticate'?: Record<string, string>[]
    [name: string]: unknown
  }
  export interface Request {
    method: string
    uri: string
    version?: string
    headers: Headers
    content?: string
  }
  export interface Response {
    status: number
    reason: string
    headers: Headers
    content?: string
  }
  export interface Stack {
    send(message: Request | Response, onResponse?: (response: Response) => void): void
    destroy(): void
  }
  export interface StackOptions {
    address: string
    port: number
    publicAddress: string
    udp: boolean
    tcp: boolean
    tls?: { ca?: string; servername?: string; rejectUnauthorized?: boolean }
    tls_port?: number
    logger?: { error?: (error: unknown) => void; recv?: (message: Request | Response) => void }
  }
  export function create(options: StackOptions, onRequest: (request: Request) => void): Stack
  export function parseUri(text: string): Uri | undefined
  export function makeResponse(request: Request, status: number, reason: string): Response
}
