/** A whole call between two phones of this process, at one peer or two: does a deployment work? */
import type { Phone } from './phone.ts'

export type TryStep = 'register' | 'call' | 'hang-up' | 'unregister'

export interface TryResult {
  readonly step: TryStep
  readonly status: number
  readonly reason: string
  readonly ms: number
}

/** Reports every step as it ends; the first refusal is the last step but for taking the binding away. True when all went through. */
export async function tryCall(
  { caller, callee }: { readonly caller: Phone; readonly callee: Phone },
  expiresS: number,
  clock: () => number,
  report: (result: TryResult) => void,
): Promise<boolean> {
  callee.onRequest = (request) => {
    const tag = request.headers['call-id']
    if (request.method === 'INVITE') {
      callee.respond(request, 180, 'Ringing', tag)
      callee.respond(request, 200, 'OK', tag)
    } else if (request.method !== 'ACK') callee.respond(request, 200, 'OK')
  }
  const step = async <T extends { readonly status: number; readonly reason: string }>(
    name: TryStep,
    work: Promise<T>,
  ): Promise<T> => {
    const begun = clock()
    const response = await work
    report({ step: name, status: response.status, reason: response.reason, ms: Math.round(clock() - begun) })
    return response
  }
  const registered = await step('register', callee.register(expiresS))
  if (registered.status >= 300) return false
  try {
    const calling = caller.invite(callee.settings.aor, () => undefined)
    const answered = await step(
      'call',
      calling.then(({ response }) => response),
    )
    const { dialog } = await calling
    if (answered.status >= 300 || dialog === undefined) return false
    return (await step('hang-up', caller.bye(dialog))).status < 300
  } finally {
    await step('unregister', callee.register(0))
  }
}
