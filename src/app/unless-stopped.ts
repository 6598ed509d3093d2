/** The end of a wait at the start of a node: a signal does not have to be patient with a server that does not answer. */
import { RingbridgeError } from '../common/errors.ts'

/**
 * What `work` comes to, unless the signal is quicker: then rejects with `RingbridgeError` `STOPPED`. The work goes on unheard; whoever
 * waits so ends it, or the process.
 */
export async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let onAbort: () => void = () => undefined
  const stopped = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new RingbridgeError('STOPPED', 'stopped while the node was starting'))
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    if (signal.aborted) onAbort()
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
