import { SPACE, decimal, skipBlanks } from './chars.ts'

export interface CSeq {
  /** -1 when the header is missing or malformed. */
  readonly number: number
  readonly method: string
}

/** What a message without a readable CSeq gives. */
export const NO_CSEQ: CSeq = { number: -1, method: '' }
const CSEQ_MAX = 0xffff_ffff

/** `1*DIGIT LWS Method`; number -1 when it is malformed or past 2^32-1 (E07). */
export function parseCSeq(text: string): CSeq {
  let blank = 0
  while (blank < text.length && text.charCodeAt(blank) > SPACE) blank++
  const number = decimal(text, 0, blank)
  const methodStart = skipBlanks(text, blank, text.length)
  if (number < 0 || number > CSEQ_MAX || methodStart === text.length) return NO_CSEQ
  return { number, method: text.slice(methodStart) }
}
