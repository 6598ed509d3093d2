/** Configuration sequence numbers run 0..65534 and then from 0 again; 65535 means "any" (RFC 6940 s.6.3.2.1). */
const MODULUS = 65_535

/**
 * Less than 0 when `a` is older than `b`, 0 when equal, greater than 0 when newer, by the shorter way round: the
 * numbers are compared modulo 65535.
 */
export function compareSequence(a: number, b: number): number {
  const ahead = (((a - b) % MODULUS) + MODULUS) % MODULUS
  return ahead <= MODULUS / 2 ? ahead : ahead - MODULUS
}

/** The sequence number of the next document. */
export function nextSequence(sequence: number): number {
  return (sequence + 1) % MODULUS
}
