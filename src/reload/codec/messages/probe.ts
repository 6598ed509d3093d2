import type { Result } from '../../../common/errors.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { probeInformationName } from '../names.ts'
import { decodeShape, encodeShape, list, named, opaque, struct, u8 } from '../shape.ts'
import type { Shape } from '../shape.ts'
import type { ProbeAns, ProbeInformation, ProbeReq } from '../types.ts'

const informationType = named(u8, probeInformationName)
const informationValue = opaque(1)

/** Bytes of the value of the three types of RFC 6940: all are uint32. */
const KNOWN_VALUE_BYTES = 4

/** RFC 6940 s.6.4.2.5.1. */
export const probeReqShape: Shape<ProbeReq> = struct<ProbeReq>('ProbeReq (RFC 6940 s.6.4.2.5.1)', {
  requestedInfo: list(1, informationType),
})

/** RFC 6940 s.6.4.2.5.2: an unknown type is stepped over by its length and kept. */
const probeInformation: Shape<ProbeInformation> = {
  read: (reader, context) => {
    const type = reader.u8()
    const value = informationValue.read(reader, context)
    if (probeInformationName(type) !== undefined && value.length !== KNOWN_VALUE_BYTES) {
      throw reader.error(`probe information of ${value.length} bytes`)
    }
    return { type, value }
  },
  write: (writer, value) => {
    writer.u8(value.type)
    informationValue.write(writer, value.value)
  },
  print: (tree, label, value) => {
    const name = probeInformationName(value.type) ?? `unknown type ${value.type}`
    informationValue.print(tree, `${label} ${name}`, value.value)
  },
}

export const probeAnsShape: Shape<ProbeAns> = struct<ProbeAns>('ProbeAns (RFC 6940 s.6.4.2.5.2)', {
  probeInfo: list(2, probeInformation),
})

export function encodeProbeReq(value: ProbeReq): Uint8Array {
  return encodeShape(probeReqShape, value)
}

export function decodeProbeReq(bytes: Uint8Array): Result<ProbeReq, DecodeFailure> {
  return decodeShape(probeReqShape, bytes)
}

export function encodeProbeAns(value: ProbeAns): Uint8Array {
  return encodeShape(probeAnsShape, value)
}

export function decodeProbeAns(bytes: Uint8Array): Result<ProbeAns, DecodeFailure> {
  return decodeShape(probeAnsShape, bytes)
}
