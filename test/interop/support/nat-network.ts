/**
 * Three network namespaces of our own: a node in public, a phone at home, and a router between them that translates addresses
 * (nftables masquerade with random ports) and lets nothing in that was not asked for.
 */
import { execFileSync } from 'node:child_process'

/** RFC 5737: addresses that exist nowhere. */
export const NODE_ADDRESS = '203.0.113.1'
const ROUTER_ADDRESS = '203.0.113.2'
export const PHONE_ADDRESS = '192.168.77.2'

const RULES = `table ip filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "home" accept
  }
}
table ip nat {
  chain post {
    type nat hook postrouting priority 100;
    oifname "world" masquerade random
  }
}
`

export type Place = 'public' | 'router' | 'home'

export class NatNetwork {
  private readonly prefix = `rb${process.pid}`

  private constructor() {
    for (const place of ['public', 'router', 'home'] as const) this.ip('netns', 'add', this.name(place))
  }

  static make(): NatNetwork {
    const network = new NatNetwork()
    try {
      network.wire()
      return network
    } catch (error) {
      network.remove()
      throw error
    }
  }

  /** A command, as it is to be run at that place. */
  at(place: Place, command: readonly string[]): [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.name(place), ...command]
  }

  /** Namespaces go with everything that is in them. */
  remove(): void {
    for (const place of ['public', 'router', 'home'] as const) this.ip('netns', 'del', this.name(place))
  }

  private wire(): void {
    const [open, router, home] = [this.name('public'), this.name('router'), this.name('home')]
    const veth = ['type', 'veth', 'peer', 'name']
    this.ip('link', 'add', 'wan', 'netns', open, ...veth, 'world', 'netns', router)
    this.ip('link', 'add', 'lan', 'netns', home, ...veth, 'home', 'netns', router)
    this.ip('-n', open, 'addr', 'add', `${NODE_ADDRESS}/24`, 'dev', 'wan')
    this.ip('-n', router, 'addr', 'add', `${ROUTER_ADDRESS}/24`, 'dev', 'world')
    this.ip('-n', router, 'addr', 'add', '192.168.77.1/24', 'dev', 'home')
    this.ip('-n', home, 'addr', 'add', `${PHONE_ADDRESS}/24`, 'dev', 'lan')
    for (const [place, devices] of [
      [open, ['lo', 'wan']],
      [router, ['lo', 'world', 'home']],
      [home, ['lo', 'lan']],
    ] as const)
      for (const device of devices) this.ip('-n', place, 'link', 'set', device, 'up')
    this.ip('-n', home, 'route', 'add', 'default', 'via', '192.168.77.1')
    this.exec('router', ['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
    this.exec('router', ['nft', '-f', '-'], RULES)
  }

  private name(place: Place): string {
    return `${this.prefix}-${place}`
  }

  private exec(place: Place, command: readonly string[], input = ''): void {
    const [program, ...args] = this.at(place, command)
    execFileSync(program, args, { input })
  }

  private ip(...args: readonly string[]): void {
    execFileSync('ip', [...args])
  }
}
