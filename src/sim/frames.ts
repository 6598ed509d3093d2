/** RFC 6940 s.6.6.2: type, sequence and length of a data frame. */
const DATA_FRAME = 0x80
const FRAME_HEADER_BYTES = 8

/** The RELOAD message in a frame on an overlay link; undefined for an ack. */
export function messageIn(frame: Uint8Array): Uint8Array | undefined {
  return frame[0] === DATA_FRAME ? frame.subarray(FRAME_HEADER_BYTES) : undefined
}
