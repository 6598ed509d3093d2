/** Calls for a HEP collector: what is recorded of them, as it is recorded. */
import { addressBytes, type SipListener } from '../sip/index.ts'
import { hepBytes } from '../trace/hep.ts'
import { hepOf, type HepNode } from '../trace/hep-entries.ts'
import { HepSender } from '../trace/io/hep-sender.ts'
import type { Recorded } from '../trace/recorded.ts'
import { isUnspecified } from './config/endpoint.ts'
import { hepTarget } from './config/hep.ts'
import type { Config } from './config/schema.ts'

export type HepExport = HepSender<Recorded>

/** `self`: this node in hex. Undefined without a collector. */
export function hepExport(
  config: Config,
  self: string,
  listeners: readonly SipListener[],
): HepExport | undefined {
  const target = hepTarget(config)
  if (target === undefined) return undefined
  const node: HepNode = {
    self,
    captureId: config.trace.hepCaptureId,
    listeners: listeners.map(({ id, transport, host, port, advertisedHost }) => ({
      id,
      transport,
      host: isUnspecified(host) ? advertisedHost : host,
      port,
    })),
    addressBytes,
  }
  const sender = new HepSender<Recorded>(target, (entry) => hepBytes(hepOf(entry, node)))
  sender.open()
  return sender
}
