import { SPACE, decimal, skipBlanks } from './chars.ts'
import { methodAt } from './methods.ts'

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
  return parseCSeqIn(text, 0, text.length)
}

/** The same for [at, end) of a longer text. */
export function parseCSeqIn(text: string, at: number, end: number): CSeq {
  let blank = at
  while (blank < end && text.charCodeAt(blank) > SPACE) blank++
  const number = decimal(text, at, blank)
  const methodStart = skipBlanks(text, blank, end)
  if (number < 0 || number > CSEQ_MAX || methodStart === end) return NO_CSEQ
  return { number, method: methodAt(text, methodStart, end) }
}
