import { sameId, type NodeId } from '../../reload/codec/index.ts'
import type { Certificate, Credential } from '../../reload/security/index.ts'

/**
 * The credential of a running node, whose certificate is replaced by one that lasts longer. The machines are built with this
 * object and read its certificate at every signature; user name, Node-ID and so its place in the ring stay what they are.
 */
export class RenewableCredential implements Credential {
  readonly nodeId: NodeId
  private current: Credential

  constructor(first: Credential) {
    this.nodeId = first.nodeId
    this.current = first
  }

  get certificate(): Certificate {
    return this.current.certificate
  }

  get algorithm(): Credential['algorithm'] {
    return this.current.algorithm
  }

  get key(): unknown {
    return this.current.key
  }

  get chain(): readonly Certificate[] {
    return this.current.chain ?? []
  }

  /** False, and nothing changes, when it is of another node: a running one cannot become that. */
  renew(next: Credential): boolean {
    if (!sameId(next.nodeId, this.nodeId)) return false
    this.current = next
    return true
  }
}
