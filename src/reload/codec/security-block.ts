import type { Reader, Writer } from '../../common/bytes.ts'
import type { Result } from '../../common/errors.ts'
import { CERTIFICATE_X509, SIGNER_IDENTITY } from './code-points.ts'
import type { DecodeFailure } from './decode-failure.ts'
import { hashName, signatureName } from './names.ts'
import { decodeShape, encodePassing, list, named, opaque, struct, u8 } from './shape.ts'
import type { Shape } from './shape.ts'
import { hexText } from './tree-printer.ts'
import type { GenericCertificate, SecurityBlock, Signature, SignerIdentity } from './types.ts'

const hash = opaque(1)

/** RFC 6940 s.6.3.4. Declared extensible: an unknown identity type is stepped over by its length and kept. */
export const signerIdentityShape: Shape<SignerIdentity> = {
  read: (reader, context) => {
    const type = reader.u8()
    const value = reader.sub(reader.u16())
    const read = (kind: 'certHash' | 'certHashNodeId'): SignerIdentity => ({
      kind,
      hashAlgorithm: value.u8(),
      hash: hash.read(value, context),
    })
    const identity = readIdentity(type, value, read)
    value.end()
    return identity
  },
  write: (writer, identity) => {
    switch (identity.kind) {
      case 'certHash':
        writeHashed(writer, SIGNER_IDENTITY.certHash, identity.hashAlgorithm, identity.hash)
        return
      case 'certHashNodeId':
        writeHashed(writer, SIGNER_IDENTITY.certHashNodeId, identity.hashAlgorithm, identity.hash)
        return
      case 'none':
        writer.u8(SIGNER_IDENTITY.none)
        writer.u16(0)
        return
      case 'unknown':
        writer.u8(identity.type)
        writer.prefixed(2, identity.value)
    }
  },
  print: (tree, label, identity) => {
    switch (identity.kind) {
      case 'none':
        tree.line(label, 'none')
        return
      case 'unknown':
        tree.line(label, `unknown type ${identity.type} ${hexText(identity.value)}`)
        return
      default: {
        const name = identity.kind === 'certHash' ? 'cert_hash' : 'cert_hash_node_id'
        tree.line(
          label,
          `${name} ${hashName(identity.hashAlgorithm) ?? 'unknown hash'} ${hexText(identity.hash)}`,
        )
      }
    }
  },
}

/** RFC 6940 s.6.3.4; hash first, then signature algorithm, as in TLS 1.2. */
export const signatureShape: Shape<Signature> = struct<Signature>('Signature (RFC 6940 s.6.3.4)', {
  hashAlgorithm: named(u8, hashName),
  signatureAlgorithm: named(u8, signatureName),
  identity: signerIdentityShape,
  value: opaque(2),
})

const securityBlockShape = struct<SecurityBlock>('SecurityBlock (RFC 6940 s.6.3.4)', {
  certificates: list(
    2,
    struct<GenericCertificate>('GenericCertificate (RFC 6940 s.6.3.4)', {
      type: named(u8, (type) => (type === CERTIFICATE_X509 ? 'X.509' : undefined)),
      certificate: opaque(2),
    }),
  ),
  signature: signatureShape,
})

export { securityBlockShape }

/** As `encodeSecurityBlock`, where other things are written too. */
export const writeSecurityBlock = securityBlockShape.write

/** As `encodeSignerIdentity`, where other things are written too. */
export const writeSignerIdentity = signerIdentityShape.write

export function encodeSecurityBlock(block: SecurityBlock): Uint8Array {
  return encodePassing(securityBlockShape, block)
}

export function decodeSecurityBlock(bytes: Uint8Array): Result<SecurityBlock, DecodeFailure> {
  return decodeShape(securityBlockShape, bytes)
}

/** The exact bytes of the identity which every signature covers at its end (RFC 6940 s.6.3.4, s.7.1); who keeps them copies them. */
export function encodeSignerIdentity(identity: SignerIdentity): Uint8Array {
  return encodePassing(signerIdentityShape, identity)
}

export function decodeSignerIdentity(bytes: Uint8Array): Result<SignerIdentity, DecodeFailure> {
  return decodeShape(signerIdentityShape, bytes)
}

function readIdentity(
  type: number,
  value: Reader,
  hashed: (kind: 'certHash' | 'certHashNodeId') => SignerIdentity,
): SignerIdentity {
  switch (type) {
    case 0:
      throw value.error('a SignerIdentity of type 0')
    case SIGNER_IDENTITY.certHash:
      return hashed('certHash')
    case SIGNER_IDENTITY.certHashNodeId:
      return hashed('certHashNodeId')
    case SIGNER_IDENTITY.none:
      return { kind: 'none' }
    default:
      return { kind: 'unknown', type, value: value.bytes(value.remaining) }
  }
}

function writeHashed(writer: Writer, type: number, hashAlgorithm: number, value: Uint8Array): void {
  writer.u8(type)
  writer.u16(value.length + 2)
  writer.u8(hashAlgorithm)
  writer.u8(value.length)
  writer.bytes(value)
}
