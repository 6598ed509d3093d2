import type { Reader } from '../../common/bytes.ts'
import { CANDIDATE_TYPE } from './code-points.ts'
import { ipAddressPortShape } from './ip-address-port.ts'
import { candidateTypeName, overlayLinkName } from './names.ts'
import { list, named, opaque, struct, textual, u32, u8 } from './shape.ts'
import type { Shape } from './shape.ts'
import type { IceCandidate, IceExtension } from './types.ts'

const extensions = list(
  2,
  struct<IceExtension>('IceExtension (RFC 6940 s.6.5.1.1)', { name: textual(2), value: textual(2) }),
)
const overlayLink = named(u8, overlayLinkName)
const foundation = textual(1)
const candidateType = named(u8, candidateTypeName)

/** RFC 6940 s.6.5.1.1: the related address is there for srflx and relay only. */
export const iceCandidateShape: Shape<IceCandidate> = {
  read: (reader, context) => {
    const addressPort = ipAddressPortShape.read(reader, context)
    const link = overlayLink.read(reader, context)
    const foundationBytes = foundation.read(reader, context)
    const priority = reader.u32()
    const type = readCandidateType(reader)
    return {
      addressPort,
      overlayLink: link,
      foundation: foundationBytes,
      priority,
      candidateType: type,
      relatedAddress: hasRelatedAddress(type) ? ipAddressPortShape.read(reader, context) : undefined,
      extensions: extensions.read(reader, context),
    }
  },
  write: (writer, value) => {
    ipAddressPortShape.write(writer, value.addressPort)
    writer.u8(value.overlayLink)
    foundation.write(writer, value.foundation)
    writer.u32(value.priority)
    writer.u8(value.candidateType)
    if (hasRelatedAddress(value.candidateType) !== (value.relatedAddress !== undefined)) {
      throw new RangeError('a related address belongs to srflx and relay candidates, and to no others')
    }
    if (value.relatedAddress !== undefined) ipAddressPortShape.write(writer, value.relatedAddress)
    extensions.write(writer, value.extensions)
  },
  print: (tree, label, value) => {
    tree.branch(label, 'IceCandidate (RFC 6940 s.6.5.1.1)', () => {
      ipAddressPortShape.print(tree, 'addr_port', value.addressPort)
      overlayLink.print(tree, 'overlay_link', value.overlayLink)
      foundation.print(tree, 'foundation', value.foundation)
      u32.print(tree, 'priority', value.priority)
      candidateType.print(tree, 'type', value.candidateType)
      if (value.relatedAddress !== undefined)
        ipAddressPortShape.print(tree, 'rel_addr_port', value.relatedAddress)
      extensions.print(tree, 'extensions', value.extensions)
    })
  },
}

/** `ufrag`, `password` and `role`, and `candidates`, are the same in Attach and AppAttach. */
export const iceText: Shape<Uint8Array> = textual(1)
export const icePassword: Shape<Uint8Array> = {
  ...opaque(1),
  // A password may be in use on a live link; a dump that is passed around does not need it.
  print: (tree, label, value) =>
    tree.line(label, value.length === 0 ? '(empty)' : `(${value.length} bytes, not shown)`),
}
export const iceCandidates: Shape<readonly IceCandidate[]> = list(2, iceCandidateShape)

function readCandidateType(reader: Reader): number {
  const type = reader.u8()
  // RFC 6940 s.6.3.1.1: this select is not declared extensible, and nobody could tell what follows.
  if (candidateTypeName(type) === undefined) throw reader.error(`a candidate of type ${type}`)
  return type
}

function hasRelatedAddress(type: number): boolean {
  return type === CANDIDATE_TYPE.srflx || type === CANDIDATE_TYPE.relay
}
