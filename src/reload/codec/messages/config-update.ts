import type { Result } from '../../../common/errors.ts'
import type { DecodeFailure } from '../decode-failure.ts'
import { decodeShape, encodeShape, list, opaque } from '../shape.ts'
import type { Shape } from '../shape.ts'
import { hexText } from '../tree-printer.ts'
import type { ConfigUpdateReq } from '../types.ts'

const TYPE = { config: 1, kinds: 2 } as const
const configData = opaque(3)
const kinds = list(3, opaque(2))

/** RFC 6940 s.6.5.4.1: allows for unknown content types, which are stepped over by their length and kept. */
export const configUpdateReqShape: Shape<ConfigUpdateReq> = {
  read: (reader, context) => {
    const type = reader.u8()
    const inner = reader.sub(reader.u32())
    if (type === 0) throw inner.error('a ConfigUpdateReq of type 0')
    if (type !== TYPE.config && type !== TYPE.kinds) {
      return { kind: 'unknown', type, data: inner.bytes(inner.remaining) }
    }
    const value: ConfigUpdateReq =
      type === TYPE.config
        ? { kind: 'config', configData: configData.read(inner, context) }
        : { kind: 'kinds', kinds: kinds.read(inner, context) }
    inner.end()
    return value
  },
  write: (writer, value) => {
    writer.u8(value.kind === 'unknown' ? value.type : TYPE[value.kind])
    const start = writer.begin(4)
    if (value.kind === 'config') configData.write(writer, value.configData)
    else if (value.kind === 'kinds') kinds.write(writer, value.kinds)
    else writer.bytes(value.data)
    writer.finish(4, start)
  },
  print: (tree, label, value) => {
    tree.branch(label, 'ConfigUpdateReq (RFC 6940 s.6.5.4.1)', () => {
      if (value.kind === 'config') configData.print(tree, 'config_data', value.configData)
      else if (value.kind === 'kinds') kinds.print(tree, 'kinds', value.kinds)
      else tree.line(`unknown type ${value.type}`, hexText(value.data))
    })
  },
}

export function encodeConfigUpdateReq(value: ConfigUpdateReq): Uint8Array {
  return encodeShape(configUpdateReqShape, value)
}

export function decodeConfigUpdateReq(bytes: Uint8Array): Result<ConfigUpdateReq, DecodeFailure> {
  return decodeShape(configUpdateReqShape, bytes)
}
