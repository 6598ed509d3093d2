import { describe, expect, it } from 'vitest'
import { Edit, type SipMessage } from '../../../../src/sip/message/index.ts'
import { bytes, parsed, request, response, text } from './sample.ts'

/** The edited text. */
function edited(message: SipMessage, change: (edit: Edit) => void): string {
  const edit = new Edit(message)
  change(edit)
  const out = text(edit.toBytes())
  expect(text(edit.toBytes())).toBe(out)
  return out
}

const ODD =
  'INVITE sip:bob@dht.example.com SIP/2.0\r\nv :SIP/2.0/UDP a;branch=z9hG4bK1 , SIP/2.0/TCP b\r\nX-Odd  :  \xc3\xa9 ;;,,\r\n\tfolded\r\n' +
  'Route: <sip:p1;lr>,\r\n <sip:p2;lr>\r\nt: <sip:bob@dht.example.com>\r\nf: <sip:alice@dht.example.com>;tag=1\r\nroute: <sip:p3;lr>\r\n' +
  'MAX-FORWARDS: 070\r\ni: c1\r\nCSeq: 1  INVITE\r\nl: 4\r\n\r\n\0\xffab'

describe('Edit', () => {
  it('S3261-16.6-01 S3261-16.3-02 without changes every byte stays', () => {
    expect(edited(parsed(bytes(ODD)), () => undefined)).toBe(ODD)
  })

  it('S3261-16.6-01 a forwarded INVITE differs in what was asked for and nothing else', () => {
    const out = edited(parsed(bytes(ODD)), (edit) => {
      edit.removeFirst('route')
      edit.requestUri('sip:bob@192.0.2.7:5062')
      edit.decrementMaxForwards()
      edit.prepend('record-route', '<sip:me;lr>')
      edit.replaceTopVia('SIP/2.0/UDP a;branch=z9hG4bK1;received=192.0.2.3')
      edit.prepend('via', 'SIP/2.0/UDP me;branch=z9hG4bK2')
    })
    expect(out).toBe(
      'INVITE sip:bob@192.0.2.7:5062 SIP/2.0\r\nVia: SIP/2.0/UDP me;branch=z9hG4bK2\r\nRecord-Route: <sip:me;lr>\r\n' +
        ODD.slice(ODD.indexOf('v :'))
          .replace('branch=z9hG4bK1 ,', 'branch=z9hG4bK1;received=192.0.2.3,')
          .replace('<sip:p1;lr>,\r\n ', '')
          .replace('070', '69'),
    )
  })

  it('prepended lines of one name stand in reverse order, above the first of that name', () => {
    const out = edited(parsed(request({ Route: '<sip:z>' })), (edit) => {
      edit.prepend('route', '<sip:y>')
      edit.prepend('route', '<sip:x>')
      edit.prepend('path', '<sip:p>')
    })
    expect(parsed(bytes(out)).values('route')).toEqual(['<sip:x>', '<sip:y>', '<sip:z>'])
    expect(out).toContain('Content-Length: 0\r\nRoute: <sip:x>\r\nRoute: <sip:y>\r\nRoute: <sip:z>\r\n\r\n')
    expect(out.split('\r\n')[1]).toBe('Path: <sip:p>')
  })

  it('each operation sees the ones before it', () => {
    const routes = (change: (edit: Edit) => void): string[] =>
      parsed(bytes(edited(parsed(bytes(ODD)), change))).values('route')
    expect(routes((edit) => edit.removeFirst('route'))).toEqual(['<sip:p2;lr>', '<sip:p3;lr>'])
    const thrice = (edit: Edit): void => {
      edit.removeFirst('route')
      edit.removeFirst('route')
      edit.removeFirst('route')
    }
    expect(routes(thrice)).toEqual([])
    expect(routes((edit) => (thrice(edit), edit.removeFirst('route')))).toEqual([])
    expect(
      routes(
        (edit) => (edit.prepend('route', '<sip:n>'), edit.removeFirst('route'), edit.removeFirst('route')),
      ),
    ).toEqual(['<sip:p2;lr>', '<sip:p3;lr>'])
    expect(routes((edit) => (thrice(edit), edit.prepend('route', '<sip:n>')))).toEqual(['<sip:n>'])
    expect(routes((edit) => (edit.set('route', '<sip:a>, <sip:b>'), edit.removeFirst('route')))).toEqual([
      '<sip:b>',
    ])
    expect(
      routes((edit) => (edit.remove('route'), edit.append('route', '<sip:n>'), edit.removeFirst('route'))),
    ).toEqual([])
  })

  it('S3261-16.6-05 the last Route can be taken off and put behind the others', () => {
    const routes = (change: (edit: Edit) => void): string[] =>
      parsed(bytes(edited(parsed(bytes(ODD)), change))).values('route')
    expect(routes((edit) => edit.removeLast('route'))).toEqual(['<sip:p1;lr>', '<sip:p2;lr>'])
    expect(routes((edit) => (edit.removeLast('route'), edit.removeLast('route')))).toEqual(['<sip:p1;lr>'])
    expect(routes((edit) => (edit.append('route', '<sip:last>'), edit.removeLast('route')))).toHaveLength(3)
    expect(routes((edit) => edit.append('route', '<sip:last>')).at(-1)).toBe('<sip:last>')
  })

  it('set replaces all lines by one, or adds one', () => {
    const message = parsed(request({ Supported: ['path', 'gruu'] }))
    expect(
      parsed(bytes(edited(message, (edit) => edit.set('supported', 'outbound')))).headers('supported'),
    ).toEqual(['outbound'])
    expect(edited(message, (edit) => edit.set('x-new', '1'))).toContain('\r\nX-New: 1\r\n\r\n')
    expect(edited(message, (edit) => (edit.set('x-new', '1'), edit.set('x-new', '2')))).toContain(
      'gruu\r\nX-New: 2\r\n\r\n',
    )
  })

  it('remove takes folded, compact and repeated lines', () => {
    const out = edited(parsed(bytes(ODD)), (edit) => {
      edit.remove('x-odd')
      edit.remove('via')
      edit.remove('content-length')
      edit.remove('not-there')
    })
    expect(out).not.toMatch(/odd|folded|SIP\/2\.0\/|l: 4/i)
    expect(out.endsWith('CSeq: 1  INVITE\r\n\r\n\0\xffab')).toBe(true)
  })

  it('S3261-16.6-03 Max-Forwards: one less, never below 0, 70 when absent', () => {
    const after = (value: string | undefined): string | undefined =>
      parsed(
        bytes(edited(parsed(request({ 'Max-Forwards': value })), (edit) => edit.decrementMaxForwards())),
      ).header('max-forwards')
    expect(after('70')).toBe('69')
    expect(after('0')).toBe('0')
    expect(after('300')).toBe('69')
    expect(after(undefined)).toBe('70')
  })

  it('S3261-16.6-08 Content-Length is added where it is missing', () => {
    const bare = parsed(request({ 'Content-Length': undefined }, undefined, 'abc'))
    expect(edited(bare, (edit) => (edit.ensureContentLength(), edit.ensureContentLength()))).toContain(
      'INVITE\r\nContent-Length: 3\r\n\r\nabc',
    )
    expect(edited(parsed(bytes(ODD)), (edit) => edit.ensureContentLength())).toBe(ODD)
  })

  it('replaceBody keeps Content-Length right', () => {
    const out = edited(parsed(bytes(ODD)), (edit) => edit.replaceBody(bytes('longer body')))
    expect(out).toContain('l: 11\r\n\r\nlonger body')
  })

  it('S3261-7.1-01 the start line goes out in its plain form', () => {
    expect(edited(parsed(request({}, 'INVITE sip:b@c sip/2.0 \t')), () => undefined)).toMatch(
      /^INVITE sip:b@c SIP\/2\.0\r\nVia/,
    )
    expect(edited(parsed(response({}, 'sip/2.0 200 OK')), () => undefined)).toMatch(
      /^SIP\/2\.0 200 OK\r\nVia/,
    )
  })

  it('S3261-18.3-01 bytes beyond Content-Length are not forwarded', () => {
    expect(
      edited(parsed(request({ 'Content-Length': '2' }, undefined, 'abcd')), () => undefined).endsWith(
        '\r\n\r\nab',
      ),
    ).toBe(true)
  })
})
