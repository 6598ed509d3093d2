import type { Reader } from '../../common/bytes.ts'
import type { Result } from '../../common/errors.ts'
import { ERROR_CODE, KIND, MESSAGE_CODE, NODE_ID_BYTES_DEFAULT } from './code-points.ts'
import { decodeWhole } from './decode-failure.ts'
import type { DecodeFailure } from './decode-failure.ts'
import { destinationText } from './destination.ts'
import { readForwardingHeader } from './forwarding-header.ts'
import { messageContentsShape, messageExtensionsShape } from './message-contents.ts'
import type { KindId } from './ids.ts'
import { appAttachShape } from './messages/app-attach.ts'
import { attachShape } from './messages/attach.ts'
import { configUpdateReqShape } from './messages/config-update.ts'
import { errorResponseShape, unknownKindsShape } from './messages/error-response.ts'
import { fetchAnsShape, fetchReqShape } from './messages/fetch.ts'
import { findAnsShape, findReqShape } from './messages/find.ts'
import { joinAnsShape, joinReqShape } from './messages/join.ts'
import { chordLeaveDataShape, leaveReqShape } from './messages/leave.ts'
import { pingAnsShape, pingReqShape } from './messages/ping.ts'
import { probeAnsShape, probeReqShape } from './messages/probe.ts'
import { chordRouteQueryAnsShape, routeQueryReqShape } from './messages/route-query.ts'
import { statAnsShape } from './messages/stat.ts'
import { storeAnsShape, storeReqShape } from './messages/store.ts'
import { chordUpdateShape } from './messages/update.ts'
import { methodName } from './names.ts'
import { securityBlockShape } from './security-block.ts'
import { decodeShape } from './shape.ts'
import type { ModelOf, Shape, WireContext } from './shape.ts'
import { TreePrinter, hexText } from './tree-printer.ts'
import type { StoredValuePrinter } from './tree-printer.ts'
import type {
  DataModel,
  Destination,
  ErrorResponse,
  ForwardingHeader,
  LeaveReq,
  MessageContents,
} from './types.ts'

/** What a dump may know beyond RFC 6940. */
export interface DumpOptions {
  readonly nodeIdLength?: number
  /** Data models of further Kinds; asked before the registered ones. */
  readonly modelOf?: ModelOf
  /** Prints a stored value beneath its hex. May throw: the dump goes on. */
  readonly dumpStoredValue?: StoredValuePrinter
}

type Body = (tree: TreePrinter, body: Uint8Array, context: WireContext) => void

/** As `dumpMessage`. */
export interface MessageTree {
  readonly text: string
  /** All of it could be read and nothing was left over. */
  readonly whole: boolean
}

/**
 * A message as an indented tree: names as in RFC 6940, values, section numbers. Never throws; what cannot be read is
 * shown as hex behind the reason.
 */
export function dumpMessage(bytes: Uint8Array, options: DumpOptions = {}): string {
  return messageTree(bytes, options).text
}

/** The tree, and whether the message is whole. */
export function messageTree(bytes: Uint8Array, options: DumpOptions = {}): MessageTree {
  const tree = new TreePrinter(options.dumpStoredValue)
  const context: WireContext = {
    nodeIdLength: options.nodeIdLength ?? NODE_ID_BYTES_DEFAULT,
    modelOf: (kind) => foreignModel(kind, options) ?? REGISTERED_MODELS.get(kind),
    unknownKinds: [],
  }
  tree.branch('Message', `${bytes.length} bytes (RFC 6940 s.6.3)`, () => dumpParts(tree, bytes, context))
  return { text: tree.done(), whole: !tree.damaged }
}

const REGISTERED_MODELS: ReadonlyMap<number, DataModel> = new Map<number, DataModel>([
  [KIND.sipRegistration, 'dictionary'],
  [KIND.turnService, 'single'],
  [KIND.certificateByNode, 'array'],
  [KIND.certificateByUser, 'array'],
])

/** What the caller knows of a Kind. A lookup that throws knows nothing: a dump is asked for when things are broken. */
function foreignModel(kind: KindId, options: DumpOptions): DataModel | undefined {
  try {
    return options.modelOf?.(kind)
  } catch {
    return undefined
  }
}

/** The three parts, each shown even if a later one is broken. */
function dumpParts(tree: TreePrinter, bytes: Uint8Array, context: WireContext): void {
  let rest = bytes
  const next = <T>(label: string, read: (reader: Reader) => T, print: (value: T) => void): boolean => {
    let used = 0
    const result = decodeWhole(rest, (reader) => {
      const value = read(reader)
      used = reader.offset
      reader.bytes(reader.remaining)
      return value
    })
    if (!result.ok) {
      failed(tree, label, result.error, rest)
      return false
    }
    rest = rest.subarray(used)
    print(result.value)
    return true
  }
  const whole =
    next(
      'ForwardingHeader',
      (reader) => readForwardingHeader(reader, context.nodeIdLength),
      (header) => printHeader(tree, header, bytes.length),
    ) &&
    next(
      'MessageContents',
      (reader) => messageContentsShape.read(reader, context),
      (contents) => printContents(tree, contents, context),
    ) &&
    next(
      'SecurityBlock',
      (reader) => securityBlockShape.read(reader, context),
      (block) => securityBlockShape.print(tree, 'security', block),
    )
  if (!whole || rest.length === 0) return
  tree.damaged = true
  tree.line('left over', hexText(rest))
}

function printHeader(tree: TreePrinter, header: ForwardingHeader, received: number): void {
  tree.branch('header', 'ForwardingHeader (RFC 6940 s.6.3.2)', () => {
    tree.line('overlay', `0x${header.overlay.toString(16).padStart(8, '0')}`)
    tree.line('configuration_sequence', String(header.configurationSequence))
    tree.line('ttl', String(header.ttl))
    tree.line('fragment', `0x${header.fragment.toString(16)}`)
    tree.line(
      'length',
      header.length === received ? String(received) : `${header.length}, but ${received} are here`,
    )
    tree.line('transaction_id', `0x${header.transactionId.toString(16).padStart(16, '0')}`)
    tree.line('max_response_length', String(header.maxResponseLength))
    printDestinations(tree, 'via_list', header.viaList)
    printDestinations(tree, 'destination_list', header.destinationList)
    tree.branch('options', `${header.options.length} (RFC 6940 s.6.3.2.3)`, () => {
      for (const option of header.options) {
        tree.line(`type ${option.type} flags 0x${option.flags.toString(16)}`, hexText(option.value))
      }
    })
  })
}

function printDestinations(tree: TreePrinter, label: string, destinations: readonly Destination[]): void {
  tree.branch(label, `${destinations.length} (RFC 6940 s.6.3.2.2)`, () => {
    destinations.forEach((destination, i) => tree.line(`[${i}]`, destinationText(destination)))
  })
}

function printContents(tree: TreePrinter, contents: MessageContents, context: WireContext): void {
  tree.branch('contents', 'MessageContents (RFC 6940 s.6.3.3)', () => {
    tree.line(
      'message_code',
      `0x${contents.messageCode.toString(16).padStart(4, '0')} ${methodName(contents.messageCode)}`,
    )
    tree.line('message_body', `${contents.body.length} bytes`)
    messageExtensionsShape.print(tree, 'extensions', contents.extensions)
  })
  const body = BODIES.get(contents.messageCode)
  if (body !== undefined) body(tree, contents.body, context)
  else if (contents.body.length > 0) tree.line('body', `no layout known, ${hexText(contents.body)}`)
}

function printBody<T>(
  shape: Shape<T>,
  nested?: (tree: TreePrinter, value: T, context: WireContext) => void,
): Body {
  return (tree, body, context) => {
    const result: Result<T, DecodeFailure> = decodeShape(shape, body, context.nodeIdLength, context.modelOf)
    if (!result.ok) {
      failed(tree, 'body', result.error, body)
      return
    }
    shape.print(tree, 'body', result.value)
    nested?.(tree, result.value, context)
  }
}

/** RFC 6940 s.10.9: CHORD-RELOAD's own structure inside the overlay-specific data. */
function printLeaveData(tree: TreePrinter, leave: LeaveReq, context: WireContext): void {
  if (leave.overlaySpecificData.length > 0) {
    printBody(chordLeaveDataShape)(tree, leave.overlaySpecificData, context)
  }
}

/** RFC 6940 s.6.3.3.1: two errors carry a structure as their info. */
function printErrorInfo(tree: TreePrinter, error: ErrorResponse, context: WireContext): void {
  if (error.errorInfo.length === 0) return
  if (error.errorCode === ERROR_CODE.unknownKind) printBody(unknownKindsShape)(tree, error.errorInfo, context)
  if (error.errorCode === ERROR_CODE.generationCounterTooLow) {
    printBody(storeAnsShape)(tree, error.errorInfo, context)
  }
}

function printEmpty(tree: TreePrinter, body: Uint8Array): void {
  if (body.length > 0) tree.line('body', `should be empty, has ${hexText(body)}`)
}

function failed(tree: TreePrinter, label: string, failure: DecodeFailure, bytes: Uint8Array): void {
  tree.damaged = true
  tree.branch(label, `not readable: ${failure.reason}`, () => tree.line('bytes', hexText(bytes)))
}

const BODIES: ReadonlyMap<number, Body> = new Map<number, Body>([
  [MESSAGE_CODE.probeReq, printBody(probeReqShape)],
  [MESSAGE_CODE.probeAns, printBody(probeAnsShape)],
  [MESSAGE_CODE.attachReq, printBody(attachShape)],
  [MESSAGE_CODE.attachAns, printBody(attachShape)],
  [MESSAGE_CODE.storeReq, printBody(storeReqShape)],
  [MESSAGE_CODE.storeAns, printBody(storeAnsShape)],
  [MESSAGE_CODE.fetchReq, printBody(fetchReqShape)],
  [MESSAGE_CODE.fetchAns, printBody(fetchAnsShape)],
  [MESSAGE_CODE.findReq, printBody(findReqShape)],
  [MESSAGE_CODE.findAns, printBody(findAnsShape)],
  [MESSAGE_CODE.joinReq, printBody(joinReqShape)],
  [MESSAGE_CODE.joinAns, printBody(joinAnsShape)],
  [MESSAGE_CODE.leaveReq, printBody(leaveReqShape, printLeaveData)],
  [MESSAGE_CODE.leaveAns, printEmpty],
  [MESSAGE_CODE.updateReq, printBody(chordUpdateShape)],
  [MESSAGE_CODE.updateAns, printEmpty],
  [MESSAGE_CODE.routeQueryReq, printBody(routeQueryReqShape)],
  [MESSAGE_CODE.routeQueryAns, printBody(chordRouteQueryAnsShape)],
  [MESSAGE_CODE.pingReq, printBody(pingReqShape)],
  [MESSAGE_CODE.pingAns, printBody(pingAnsShape)],
  [MESSAGE_CODE.statReq, printBody(fetchReqShape)],
  [MESSAGE_CODE.statAns, printBody(statAnsShape)],
  [MESSAGE_CODE.appAttachReq, printBody(appAttachShape)],
  [MESSAGE_CODE.appAttachAns, printBody(appAttachShape)],
  [MESSAGE_CODE.configUpdateReq, printBody(configUpdateReqShape)],
  [MESSAGE_CODE.configUpdateAns, printEmpty],
  [MESSAGE_CODE.error, printBody(errorResponseShape, printErrorInfo)],
])
