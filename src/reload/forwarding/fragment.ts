/**
 * The fragment field (RFC 6940 s.6.7). `legacy`: the high bit is clear, which a sender never does; such messages are
 * discarded and never read as fragments. The six reserved bits say nothing.
 */
export function fragmentState(fragment: number): 'whole' | 'fragment' | 'legacy' {
  if ((fragment & 0x8000_0000) === 0) return 'legacy'
  return (fragment & 0x40ff_ffff) === 0x4000_0000 ? 'whole' : 'fragment'
}
