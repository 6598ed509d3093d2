import { spawnSync } from 'node:child_process'
import { it } from 'vitest'

/** Real peers that interop tests need, and the Debian package that brings each. */
const PACKAGES = {
  sipp: 'sip-tester',
  baresip: 'baresip-core',
  chromium: 'chromium',
  tshark: 'tshark',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  sipsak: 'sipsak',
  svwar: 'sipvicious',
  linphonec: 'linphone-cli',
  'twinkle-console': 'twinkle-console',
  svcrack: 'sipvicious',
  gcc: 'gcc libc6-dev',
  'sofia-sip': 'libsofia-sip-ua-dev',
  kamailio: 'kamailio',
  curl: 'curl',
  openssl: 'openssl',
  faketime: 'faketime',
  dnsmasq: 'dnsmasq-base',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  ip: 'iproute2',
  nft: 'nftables',
  zbarimg: 'zbar-tools',
  'named-checkzone': 'bind9-utils',
  'fail2ban-regex': 'fail2ban',
} as const

export type Tool = keyof typeof PACKAGES

/** Tools that may be there and still not be allowed to do their work. */
const TRIALS: Partial<Record<Tool, string>> = {
  unshare: 'unshare -m true || unshare -rm true',
  // A library: its headers.
  'sofia-sip': 'test -f /usr/include/sofia-sip-1.12/sofia-sip/nua.h',
  // Network namespaces need root.
  ip: 'test "$(id -u)" = 0 && ip netns add rb-trial && ip netns del rb-trial',
  // On port 53.
  dnsmasq: 'command -v dnsmasq && test "$(id -u)" = 0',
}

const found = new Map<Tool, boolean>()

export function available(tool: Tool): boolean {
  let there = found.get(tool)
  if (there === undefined) {
    there = spawnSync('sh', ['-c', TRIALS[tool] ?? `command -v ${tool}`]).status === 0
    found.set(tool, there)
  }
  return there
}

/**
 * A test that needs real peers. Where one is missing the test is left out and says which Debian package brings it; with
 * RINGBRIDGE_REQUIRE_INTEROP=1 (CI) that is a failure instead.
 */
export function interop(tools: readonly Tool[], title: string, body: () => Promise<void>): void {
  const missing = tools.filter((tool) => !available(tool))
  if (missing.length === 0) {
    it(title, body)
    return
  }
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))].join(' ')
  if (process.env['RINGBRIDGE_REQUIRE_INTEROP'] === '1') {
    it(title, () => {
      throw new Error(`needs ${missing.join(', ')}: apt-get install ${packages}`)
    })
    return
  }
  process.stderr.write(`left out: "${title}" needs ${missing.join(', ')} (Debian package ${packages})\n`)
  it.skip(`${title} [apt-get install ${packages}]`, body)
}
