/** Requests of the phone and their final responses, on the SIP library's stack. */
import { create, type Request, type Response, type Stack, type StackOptions } from 'sip'
import { NoAnswer } from './server-address.ts'

export class Exchange {
  private readonly stack: Stack
  private readonly server: string
  /** The last 503 of each transaction under way: the library keeps them to itself and makes one up without words. */
  private readonly unavailable = new Map<string, Response>()

  /** `server` is what people read when no answer came. */
  constructor(options: StackOptions, server: string, onRequest: (request: Request) => void) {
    this.server = server
    options.logger = {
      recv: (message) => {
        if ('status' in message && message.status === 503)
          this.unavailable.set(transactionOf(message), message)
      },
    }
    this.stack = create(options, onRequest)
  }

  close(): void {
    this.stack.destroy()
  }

  /** A response, or a request that has none. */
  write(message: Request | Response): void {
    this.stack.send(message)
  }

  /**
   * Sends and resolves with the final response. The library makes up statuses (408, 503, 404) when nothing came; nobody
   * shall take one for the server's word, so that rejects with `NoAnswer`.
   */
  send(request: Request, onProgress: (response: Response) => void = () => undefined): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.stack.send(request, (response) => {
        if (response.status < 200) return onProgress(response)
        const received = this.unavailable.get(transactionOf(response))
        this.unavailable.delete(transactionOf(response))
        // What it makes up has the very Via list of the request.
        if (response.headers.via !== request.headers.via) return resolve(response)
        if (received !== undefined) return resolve(received)
        return reject(new NoAnswer(`no answer to ${request.method} from ${this.server}`))
      })
    })
  }
}

/** One request of one call: a second try with credentials has the next number. */
function transactionOf({ headers }: Response): string {
  return `${headers['call-id']} ${headers.cseq.seq} ${headers.cseq.method}`
}
