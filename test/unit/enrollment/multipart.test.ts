import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/common/bytes.ts'
import {
  boundaryOf,
  certificateWishOf,
  enrollParts,
  loginOf,
  parseMultipart,
  writeMultipart,
  type FormPart,
} from '../../../src/enrollment/index.ts'

const BOUNDARY = 'x7q'
const part = (name: string, content: string, contentType?: string): FormPart => ({
  name,
  contentType,
  content: utf8(content),
})
const parsed = (text: string) => parseMultipart(utf8(text), BOUNDARY)
const contents = (text: string): string[] => {
  const result = parsed(text)
  if (!result.ok) throw new Error(result.error)
  return result.value.map(({ name, content }) => `${name}=${Buffer.from(content).toString()}`)
}
const head = (name: string): string => `--x7q\r\nContent-Disposition: form-data; name="${name}"\r\n`

describe('multipart/form-data', () => {
  it('R6940-11.3-07 reads what browsers and curl send', () => {
    expect(
      contents(`${head('a')}\r\n1\r\n${head('b')}Content-Type: text/plain\r\n\r\n\r\n2\r\n--x7q--\r\n`),
    ).toEqual(['a=1', 'b=\r\n2'])
    expect(contents(`${head('empty')}\r\n\r\n--x7q--`)).toEqual(['empty='])
    expect(
      contents('--x7q\r\ncontent-disposition:form-data;name=a;filename="f\\"; x"\r\n\r\n1\r\n--x7q--'),
    ).toEqual(['a=1'])
  })

  it('R6940-11.3-10 the media type of a part, and base64 where a part says so (RFC 2388 s.3)', () => {
    const text = `${head('csr')}Content-Type: Application/PKCS10; x=y\r\nContent-Transfer-Encoding: BASE64\r\n\r\naGFs\r\nbG8=\r\n--x7q--`
    const result = parsed(text)
    if (!result.ok) throw new Error(result.error)
    expect(result.value).toMatchObject([{ name: 'csr', contentType: 'application/pkcs10' }])
    expect(Buffer.from(result.value[0]!.content).toString()).toBe('hallo')
  })

  it.each([
    ['nothing', ''],
    ['no part', '--x7q--'],
    ['a preamble', `x\r\n${head('a')}\r\n1\r\n--x7q--`],
    ['no end', `${head('a')}\r\n1\r\n`],
    ['bare line feeds', head('a').replaceAll('\r', '') + '\n1\n--x7q--'],
    ['a boundary that goes on', `${head('a')}\r\n1\r\n--x7qy\r\n`],
    ['no name', '--x7q\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x7q--'],
    ['not form-data', '--x7q\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--x7q--'],
    ['no headers', '--x7q\r\n\r\n1\r\n--x7q--'],
    ['two dispositions', `${head('a')}Content-Disposition: form-data; name="b"\r\n\r\n1\r\n--x7q--`],
    ['two names', '--x7q\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1\r\n--x7q--'],
    ['a folded header', `${head('a')} x=y\r\n\r\n1\r\n--x7q--`],
    ['an unknown encoding', `${head('a')}Content-Transfer-Encoding: gzip\r\n\r\n1\r\n--x7q--`],
    ['bad base64', `${head('a')}Content-Transfer-Encoding: base64\r\n\r\n1*\r\n--x7q--`],
    ['a head that is too long', `${head('a')}X: ${'y'.repeat(3000)}\r\n\r\n1\r\n--x7q--`],
    [
      'too many headers',
      `${head('a')}${Array.from({ length: 9 }, (_, i) => `X${i}: y\r\n`).join('')}\r\n1\r\n--x7q--`,
    ],
    ['too many parts', `${`${head('a')}\r\n1\r\n`.repeat(17)}--x7q--`],
  ])('refuses %s', (_what, text) => {
    expect(parsed(text).ok).toBe(false)
  })

  it('the boundary of a Content-Type', () => {
    expect(boundaryOf('multipart/form-data; boundary=x7q')).toEqual({ ok: true, value: 'x7q' })
    expect(boundaryOf('Multipart/Form-Data; charset=utf-8; Boundary="a b"')).toEqual({
      ok: true,
      value: 'a b',
    })
    for (const bad of [
      '',
      'text/plain; boundary=x',
      'multipart/form-data',
      'multipart/form-data; boundary=',
      'multipart/form-data; boundary="a ',
      'multipart/form-data; boundary="a "',
      'multipart/form-data; boundary="a\u00e4"',
      `multipart/form-data; boundary=${'x'.repeat(71)}`,
      'multipart/form-data; boundary=a; boundary=b',
    ]) {
      expect(boundaryOf(bad).ok, bad).toBe(false)
    }
  })

  it('whatever parts are written are read back, whatever bytes they hold', () => {
    const parts = fc.array(
      fc.record({
        name: fc.constantFrom('username', 'password', 'csr', 'x'),
        contentType: fc.constantFrom(undefined, 'application/pkcs10'),
        content: fc.uint8Array({ maxLength: 200 }),
      }),
      { minLength: 1, maxLength: 16 },
    )
    fc.assert(
      fc.property(parts, (given) => {
        const boundary = 'b0f3a9c2d1e4'
        const result = parseMultipart(writeMultipart(given, boundary), boundary)
        expect(result.ok && result.value.map((each) => ({ ...each, content: [...each.content] }))).toEqual(
          given.map((each) => ({ ...each, content: [...each.content] })),
        )
      }),
    )
  })

  it('hostile bytes give a result, never an exception', () => {
    const whole = writeMultipart(
      enrollParts({ account: 'a', password: 'b' }, { csr: new Uint8Array(40), nodeIds: 2 }),
      BOUNDARY,
    )
    const piece = fc.constantFrom(
      '--x7q',
      '\r\n',
      '--',
      '"',
      ';',
      '=',
      'Content-Disposition: form-data; name=',
      '\\',
    )
    const soup = fc.array(fc.oneof(piece, fc.string({ maxLength: 4 })), { maxLength: 40 })
    fc.assert(
      fc.property(soup, (pieces) => void parsed(`--x7q${pieces.join('')}`)),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, end) => {
        const bytes = whole.slice(0, Math.max(end, at + 1))
        bytes[at] = byte
        const result = parseMultipart(bytes, BOUNDARY)
        if (!result.ok) return
        loginOf(result.value)
        certificateWishOf(result.value)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => void boundaryOf(`multipart/form-data;${text}`)),
    )
  })
})

describe('the enrollment form', () => {
  const csr = part('csr', 'x', 'application/pkcs10')

  it('R6940-11.3-08 username and password are UTF-8, and no blank or letter case is taken from them', () => {
    expect(loginOf([part('username', 'U '), part('password', ' P\u00e4')])).toEqual({
      account: 'U ',
      password: ' P\u00e4',
    })
    expect(loginOf([part('username', '\ufeffu'), part('password', 'p')])).toBeUndefined()
    const latin1 = { ...part('password', ''), content: Uint8Array.of(0x70, 0xe4) }
    expect(loginOf([part('username', 'u'), latin1])).toBeUndefined()
    expect(loginOf([part('username', 'u')])).toBeUndefined()
    expect(loginOf([part('username', 'u'), part('username', 'v'), part('password', 'p')])).toBeUndefined()
    expect(loginOf([part('username', 'u'.repeat(257)), part('password', 'p')])).toBeUndefined()
    expect(loginOf([part('username', 'u'.repeat(256)), part('password', 'p'.repeat(1024))])).toBeDefined()
    expect(loginOf([part('username', 'u'), part('password', 'p'.repeat(1025))])).toBeUndefined()
  })

  it('R6940-11.3-09 nodeids is a count, one when it is missing', () => {
    const wish = (...parts: FormPart[]) => certificateWishOf([csr, ...parts])
    expect(wish()).toMatchObject({ value: { nodeIds: 1 } })
    expect(wish(part('nodeids', '3'))).toMatchObject({ value: { nodeIds: 3 } })
    for (const bad of ['', '0', '-1', '1.5', '03', '1e3', ' 2', '99999']) {
      expect(wish(part('nodeids', bad)), bad).toMatchObject({ error: { token: 'Node-IDs_not_available' } })
    }
    expect(wish(part('nodeids', '1'), part('nodeids', '2'))).toMatchObject({ ok: false })
  })

  it('R6940-11.3-10 csr stands once and is application/pkcs10', () => {
    for (const parts of [[], [part('csr', 'x')], [part('csr', 'x', 'text/plain')], [csr, csr]]) {
      expect(certificateWishOf(parts)).toMatchObject({ error: { token: 'bad_CSR' } })
    }
  })

  it('R6940-11.3-08 R6940-11.3-09 what a client sends', () => {
    const login = { account: 'a', password: 'b' }
    const names = (nodeIds: number) =>
      enrollParts(login, { csr: csr.content, nodeIds }).map(({ name }) => name)
    expect(names(1)).toEqual(['username', 'password', 'csr'])
    expect(names(2)).toEqual(['username', 'password', 'nodeids', 'csr'])
  })
})
