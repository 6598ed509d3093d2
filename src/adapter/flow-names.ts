/** How flows to other nodes are named: to the SIP core by number, in tables by node and application, in metrics by scheme. */
import { toHex } from '../common/bytes.ts'
import { APPLICATION, type ChannelId, type NodeId } from '../reload/index.ts'
import type { FlowId } from '../sip/index.ts'

/** Peer flows are known to the SIP core by negative numbers, so that they never meet those of phones. */
export function flowId(channel: ChannelId): FlowId {
  return -channel
}

export function channelOf(flow: FlowId): ChannelId {
  return -flow
}

/** `<hex Node-ID>|<application>` */
export function flowKey(node: NodeId, application: number): string {
  return `${toHex(node)}|${application}`
}

export function label(application: number): string {
  return application === APPLICATION.sips ? 'sips' : 'sip'
}
