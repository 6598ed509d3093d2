import { createHash, randomBytes } from 'node:crypto'

import { toHex } from '../../common/bytes.ts'
import { fail, ok, type Result } from '../../common/errors.ts'
import type { WallTime } from '../../common/time.ts'
import { asNodeId, type NodeId } from '../../reload/codec/index.ts'
import {
  NodeCrypto,
  publicKeyAlgorithm,
  type Credential,
  type KeyAlgorithm,
} from '../../reload/security/index.ts'
import type { Authority } from '../authority.ts'
import type { Denial } from '../denial.ts'
import { checkUserName } from '../user-name.ts'
import type { Issuer } from './certificates.ts'
import { makeNodeCertificate } from './node-certificate.ts'
import { generateKey } from './key-pair.ts'
import { readCertificationRequest } from './request.ts'

/** What to issue. Whoever asks has been authenticated as `userName` by the caller. */
export type IssueRequest = {
  readonly userName: string
  /** A Node-ID to confirm instead of drawing one: for operators that move a node. */
  readonly nodeId?: NodeId
  /** How many Node-IDs; default 1. */
  readonly nodeIds?: number
  /** Milliseconds; shortens the policy's validity. */
  readonly validityMs?: number
} & ({ readonly publicKeyInfo: Uint8Array } | { readonly csr: Uint8Array })

export interface IssuedCertificate {
  /** DER. */
  readonly certificate: Uint8Array
  /** The first, which is the one that our own nodes use. */
  readonly nodeId: NodeId
  /** All of them. */
  readonly nodeIds: readonly NodeId[]
  readonly notAfter: WallTime
}

export interface IssuedCredential extends IssuedCertificate {
  readonly credential: Credential
  /** DER PrivateKeyInfo, for the key file. Secret. */
  readonly pkcs8: Uint8Array
}

/**
 * A certificate for a user name and a key (RFC 6940 s.11.3). The same key of the same user gets the same Node-ID again.
 * Rejects only when the record cannot be written.
 */
export async function issueCertificate(
  authority: Authority,
  request: IssueRequest,
  wall: WallTime,
): Promise<Result<IssuedCertificate, Denial>> {
  const { policy } = authority
  const userName = checkUserName(request.userName, policy.domains)
  if (!userName.ok) return fail({ token: 'username_not_available', reason: userName.error })
  const key = await requestedKey(request)
  if (!key.ok) return key
  const publicKeyInfo = key.value
  const nodeIds = await assignedNodeIds(authority, request, publicKeyInfo)
  if (!nodeIds.ok) return nodeIds
  const issuer: Issuer = {
    pkcs8: authority.rootKey,
    algorithm: 'ecdsa',
    certificate: authority.rootCertificate,
  }
  const notAfter = wall + Math.min(request.validityMs ?? policy.validityMs, policy.validityMs)
  const certificate = await makeNodeCertificate(issuer, {
    overlayName: authority.overlayName,
    userName: request.userName,
    nodeIds: nodeIds.value,
    publicKeyInfo,
    notBefore: wall - Math.min(policy.backdateMs, notAfter - wall),
    notAfter,
  })
  return ok({ certificate, nodeId: nodeIds.value[0] as NodeId, nodeIds: nodeIds.value, notAfter })
}

/** The Node-IDs of this user and key, old and new ones, written down before anybody hears of them. */
async function assignedNodeIds(
  { policy, ledger, persist }: Authority,
  { userName, nodeId, nodeIds: count = 1 }: IssueRequest,
  publicKeyInfo: Uint8Array,
): Promise<Result<readonly NodeId[], Denial>> {
  const unavailable = (reason: string) => fail({ token: 'Node-IDs_not_available', reason } as const)
  if (count > policy.nodeIdsPerCertificateMax) return unavailable('more Node-IDs than a certificate may have')
  const keySha256 = toHex(createHash('sha256').update(publicKeyInfo).digest())
  const perUserMax = policy.nodeIdsPerUserMax
  // All or none: a refused request leaves no trace in the ledger.
  if (!ledger.hasRoom(userName, keySha256, count, perUserMax))
    return unavailable('user has all the Node-IDs it may have')
  const nodeIds: NodeId[] = []
  for (let index = 1; index <= count; index++) {
    const assigned = ledger.assign({
      userName,
      keySha256,
      perUserMax,
      draw: () => asNodeId(new Uint8Array(randomBytes(policy.nodeIdLength))),
      ...(index === 1 ? {} : { index }),
      ...(index > 1 || nodeId === undefined ? {} : { wanted: nodeId }),
    })
    if (!assigned.ok) return unavailable(assigned.error)
    const assignment = assigned.value
    if (!assignment.durable) {
      await persist(assignment.record)
      assignment.durable = true
    }
    nodeIds.push(assignment.nodeId)
  }
  return ok(nodeIds)
}

/** A new key pair together with its certificate: enrollment of a node or hosted user by the authority's own process. */
export async function issueCredential(
  authority: Authority,
  request: { readonly userName: string; readonly algorithm?: KeyAlgorithm; readonly validityMs?: number },
  wall: WallTime,
): Promise<Result<IssuedCredential, Denial>> {
  const { algorithm, ...rest } = request
  const key = await generateKey(algorithm ?? 'ecdsa')
  const issued = await issueCertificate(authority, { ...rest, publicKeyInfo: key.publicKeyInfo }, wall)
  if (!issued.ok) return issued
  const credential = new NodeCrypto().importCredential(
    issued.value.certificate,
    key.pkcs8,
    authority.overlayName,
  )
  return ok({ ...issued.value, credential, pkcs8: key.pkcs8 })
}

/** The key to certify; a request that names a user must name this one. */
async function requestedKey(request: IssueRequest): Promise<Result<Uint8Array, Denial>> {
  let publicKeyInfo: Uint8Array
  if ('csr' in request) {
    const csr = await readCertificationRequest(request.csr)
    if (!csr.ok) return fail({ token: 'bad_CSR', reason: csr.error })
    if (csr.value.userName !== undefined && csr.value.userName !== request.userName) {
      return fail({ token: 'username_not_available', reason: 'the request asks for another user name' })
    }
    publicKeyInfo = csr.value.publicKeyInfo
  } else {
    publicKeyInfo = request.publicKeyInfo
  }
  const algorithm = publicKeyAlgorithm(publicKeyInfo)
  return algorithm.ok ? ok(publicKeyInfo) : fail({ token: 'bad_CSR', reason: algorithm.error })
}
