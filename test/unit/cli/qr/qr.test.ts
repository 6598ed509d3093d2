import { describe, expect, it } from 'vitest'
import { codewordsOf, rawModules } from '../../../../src/cli/qr/codewords.ts'
import { qrMatrix, type QrMatrix } from '../../../../src/cli/qr/matrix.ts'
import { correctionCodewords } from '../../../../src/cli/qr/reed-solomon.ts'
import { svg, terminalText } from '../../../../src/cli/qr/render.ts'

// That cameras read them is tried with a real reader in test/interop/provisioning.test.ts.

const HELLO = qrMatrix('hello') as QrMatrix

describe('QR code', () => {
  it('has the correction codewords of a published example (ISO/IEC 18004, "01234567", version 1-M)', () => {
    const data = [
      0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11,
    ]
    expect([...correctionCodewords(Uint8Array.from(data), 10)]).toEqual([
      0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55,
    ])
  })

  it('takes the smallest version that holds the text, and none for more than 2331 bytes', () => {
    const versionOf = (bytes: number) => codewordsOf(new Uint8Array(bytes))?.version
    expect([14, 15, 26, 27, 180, 181, 213, 214].map(versionOf)).toEqual([1, 2, 2, 3, 9, 10, 10, 11])
    expect(versionOf(2331)).toBe(40)
    expect(versionOf(2332)).toBeUndefined()
    expect(qrMatrix('x'.repeat(2332))).toBeUndefined()
  })

  it('fills every codeword of every version', () => {
    for (let bytes = 1; bytes <= 2331; bytes += 13) {
      const codewords = codewordsOf(new Uint8Array(bytes))
      if (codewords === undefined) throw new Error(`${bytes}`)
      expect(codewords.bytes.length, `${bytes}`).toBe(Math.floor(rawModules(codewords.version) / 8))
    }
  })

  it('has three finders, a timing pattern and the dark module', () => {
    const size = HELLO.length
    expect(size).toBe(21)
    const row = (y: number) => HELLO[y]?.map((dark) => (dark ? '#' : '.')).join('') ?? ''
    expect(row(0).slice(0, 8)).toBe('#######.')
    expect(row(0).slice(-8)).toBe('.#######')
    expect(row(size - 1).slice(0, 8)).toBe('#######.')
    expect(row(6)).toMatch(/^#######\.#\.#\.#\.#######$/)
    expect(HELLO[size - 8]?.[8]).toBe(true)
  })

  it('is drawn with a margin of four modules, as text and as SVG', () => {
    const lines = terminalText(HELLO).split('\n')
    expect(lines).toHaveLength(Math.ceil((21 + 8) / 2))
    for (const line of lines) expect([...line]).toHaveLength(21 + 8)
    expect(lines[0]).toMatch(/^█+$/)
    expect(terminalText(HELLO, false)).not.toBe(terminalText(HELLO))
    expect(svg(HELLO)).toContain('viewBox="0 0 29 29"')
    expect(svg(HELLO)).toContain('M4,4h1v1h-1z')
  })
})
