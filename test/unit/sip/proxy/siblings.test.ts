import { describe, expect, it } from 'vitest'
import { mayHaveMissed } from '../../../../src/sip/proxy/siblings.ts'
import { TargetSet, type SiblingMode, type Target } from '../../../../src/sip/proxy/targets.ts'

function peer(name: string, ...marks: readonly string[]): Target {
  return {
    uri: 'sip:u@d',
    routes: [],
    way: { kind: 'peer', address: name, secure: false },
    q: 1000,
    key: name,
    instance: undefined,
    regId: undefined,
    registeredAt: 0,
    path: 'overlay',
    line: undefined,
    marks,
  }
}

function set(mode: SiblingMode, ...targets: readonly Target[]): TargetSet {
  const made = new TargetSet(10, false, mode)
  for (const target of targets) made.add(target)
  return made
}

const group = (targets: TargetSet): [string, readonly string[] | undefined][] =>
  targets.takeGroup(10).map(({ key, except }) => [key, except])

describe('peers that have the same phones', () => {
  it('M-31 one of them rings, the next one when it has failed, and no further when there is none', () => {
    const peers = ['a', 'b', 'c'].map((name) => peer(name, '1'))
    const targets = set('parallel', ...peers)
    expect(targets.addSiblingsOf(peer('z', '2'))).toBe(false)
    for (const one of peers) {
      expect(group(targets)).toEqual([[one.key, undefined]])
      expect(targets.hasSiblingOf(one)).toBe(one.key !== 'c')
      expect(targets.addSiblingsOf(one)).toBe(one.key !== 'c')
    }
  })

  it('M-31 the ones in line take over together as far as they are needed', () => {
    const all = peer('all', '1', '2')
    const targets = set('parallel', all, peer('one', '1'), peer('two', '2'), peer('more', '2'))
    expect(group(targets)).toEqual([['all', undefined]])
    expect(targets.addSiblingsOf(all)).toBe(true)
    const [one, two] = targets.takeGroup(10)
    expect([one?.key, two?.key]).toEqual(['one', 'two'])
    if (one === undefined || two === undefined) throw new RangeError()
    expect(targets.isStandIn(one)).toBe(true)
    expect(targets.addSiblingsOf(one)).toBe(false)
    expect(targets.addSiblingsOf(two)).toBe(true)
    expect(group(targets)).toEqual([['more', undefined]])
  })

  it('M-31 a peer with other phones besides is tried at once without those that ring, and for them when they fail', () => {
    const first = peer('a', '1', '2')
    const targets = set('parallel', first, peer('b', '2', '3'))
    expect(group(targets)).toEqual([
      ['a', undefined],
      ['b', ['2']],
    ])
    expect(targets.addSiblingsOf(first)).toBe(true)
    expect(group(targets)).toEqual([['b', ['3']]])
  })

  it('M-31 who was too slow is tried once more, and only once', () => {
    const slow = peer('slow', '1')
    const other = peer('other', '1')
    const targets = set('parallel', slow, other)
    targets.takeGroup(10)
    expect(targets.addSiblingsOf(slow)).toBe(true)
    targets.putBack(slow)
    expect(group(targets)).toEqual([['other', undefined]])
    expect(targets.addSiblingsOf(other)).toBe(true)
    expect(group(targets)).toEqual([['slow', undefined]])
    targets.putBack(slow)
    expect(targets.hasSiblingOf(slow)).toBe(false)
  })

  it('M-31 S3261-16.6-01 a sibling counts as one fork with what it stands for', () => {
    const first = peer('a', '1')
    const targets = new TargetSet(1, false, 'parallel')
    targets.add(first)
    targets.add(peer('b', '1'))
    expect(group(targets)).toEqual([['a', undefined]])
    expect(targets.addSiblingsOf(first)).toBe(true)
    expect(group(targets)).toEqual([['b', undefined]])
  })

  it('M-31 S-20 a call ends however many stand in for a phone, also those that come while it rings', () => {
    const targets = new TargetSet(3, false, 'parallel')
    let tried = 0
    let added = 0
    const more = (): boolean => targets.add(peer(`p${added++}`, '1'))
    more()
    for (;;) {
      const [target] = targets.takeGroup(10)
      if (target === undefined) break
      tried++
      for (let i = 0; i < 300; i++) more()
      if (!targets.addSiblingsOf(target)) break
    }
    expect(tried).toBe(6)
    expect(targets.empty).toBe(true)
  })

  it('M-31 without marks, and where somebody else chooses, everybody is a target', () => {
    expect(group(set('parallel', peer('a'), peer('b')))).toHaveLength(2)
    expect(group(set('all', peer('a', '1'), peer('b', '1')))).toHaveLength(2)
  })

  it('M-31 serial: phones here ring together, peers wait', () => {
    const local = (name: string): Target => ({
      ...peer(name, 'u@d'),
      way: { kind: 'hop', hop: { transport: 'udp', flow: 0, listener: 0, host: name, port: 5060 } },
    })
    const [one, two] = [local('one'), local('two')]
    const targets = set('serial', one, two, peer('there', 'u@d'))
    expect(group(targets).map(([name]) => name)).toEqual(['one', 'two'])
    expect(targets.addSiblingsOf(one)).toBe(false)
    expect(targets.addSiblingsOf(two)).toBe(true)
    expect(group(targets)).toEqual([['there', undefined]])
  })

  it('M-31 only 408, 430, 480 and 503 leave open whether the phone would have answered', () => {
    const missed = Array.from({ length: 400 }, (_, i) => 300 + i).filter(mayHaveMissed)
    expect(missed).toEqual([408, 430, 480, 503])
  })
})
