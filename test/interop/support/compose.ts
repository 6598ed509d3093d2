/**
 * A compose file without containers: every service runs as a process in network and mount namespaces of its own, with the addresses,
 * names, volumes, secrets and commands of the file, as the image's user, without capabilities, on a read-only root. Linux and root only.
 * What is not tried this way is the image itself.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, chownSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { eventually } from './eventually.ts'
import { Running } from './processes.ts'
import { ROOT } from './testbed.ts'

export interface ComposeService {
  readonly image: string
  readonly command?: string | readonly string[]
  readonly entrypoint?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly secrets?: readonly string[]
  readonly network_mode?: string
  readonly networks?: readonly string[] | { readonly overlay: { readonly ipv4_address: string } }
  readonly profiles?: readonly string[]
  readonly healthcheck?: { readonly disable?: boolean }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly user?: string
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
  readonly volumes: Readonly<Record<string, null>>
}

export const COMPOSE_FOLDER = join(ROOT, 'deploy', 'compose')
/** User of the image. */
const USER = 65_532
const FREE_ADDRESSES_FROM = 50

export function readCompose(): ComposeFile {
  return parse(readFileSync(join(COMPOSE_FOLDER, 'compose.yaml'), 'utf8'), {
    merge: true,
    maxAliasCount: -1,
  }) as ComposeFile
}

/** Words of a command as a shell would split them; quotes are taken off. */
export function commandWords(command: ComposeService['command']): readonly string[] {
  if (command === undefined) return []
  if (typeof command !== 'string') return command
  return (command.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'))
}

export class ComposeStack {
  readonly file = readCompose()
  private readonly folder = mkdtempSync(join(tmpdir(), 'ringbridge-compose-'))
  /** Copy of deploy/compose, where the passwords are made. */
  private readonly project = join(this.folder, 'deploy', 'compose')
  private readonly running = new Map<string, Running>()
  private readonly namespaces: string[] = []
  private readonly tag = `rb${process.pid}`
  private readonly addresses: ReadonlyMap<string, string>

  private constructor() {
    this.addresses = addressesOf(this.file)
  }

  /** Starts the services that have no profile, in the order of their dependencies; waits for those with a health check. */
  static async up(only: (name: string, service: ComposeService) => boolean): Promise<ComposeStack> {
    const stack = new ComposeStack()
    try {
      stack.prepare()
      await stack.start(only)
      return stack
    } catch (error) {
      await stack.down()
      throw error
    }
  }

  /** Output of a service that runs. */
  output(service: string): string {
    return this.running.get(service)?.output ?? ''
  }

  /** Waits for a line of a service that runs. */
  async said(service: string, text: string): Promise<void> {
    await this.running.get(service)?.line((line) => line.includes(text), `${service}: ${text}`)
  }

  /** `docker compose run --rm SERVICE ARGS`. */
  run(service: string, ...args: readonly string[]): Running {
    return this.process(service, args)
  }

  /** A command of this machine in the network of a service. */
  exec(service: string, ...command: readonly string[]): Running {
    return new Running('ip', ['netns', 'exec', this.namespace(service), ...command])
  }

  async down(): Promise<void> {
    await Promise.all([...this.running.values()].map((each) => each.stop('SIGKILL')))
    for (const name of this.namespaces) spawnSync('ip', ['netns', 'delete', name])
    rmSync(this.folder, { recursive: true, force: true })
  }

  private prepare(): void {
    cpSync(COMPOSE_FOLDER, this.project, { recursive: true, filter: (path) => !/secrets\/[^.]/.test(path) })
    // Paths such as ../../helm stay what they are.
    cpSync(join(ROOT, 'helm'), join(this.folder, 'helm'), { recursive: true })
    sh('sh', [join(this.project, 'prepare.sh')])
    for (const volume of Object.keys(this.file.volumes)) {
      const path = this.volume(volume)
      mkdirSync(path, { recursive: true })
      chownSync(path, USER, USER)
    }
    const lines = [...this.addresses].map(([name, address]) => `${address} ${name}`)
    writeFileSync(join(this.folder, 'hosts'), `127.0.0.1 localhost\n${lines.join('\n')}\n`)
    this.bridge()
  }

  /** A switch in a namespace of its own; nothing of the machine's network is touched. */
  private bridge(): void {
    const name = `${this.tag}-br`
    this.namespaces.push(name)
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'add', 'br0', 'type', 'bridge')
    ip('-n', name, 'link', 'set', 'br0', 'up')
    for (const [index, service] of Object.keys(this.file.services).entries()) {
      const space = this.namespace(service)
      this.namespaces.push(space)
      ip('netns', 'add', space)
      ip('-n', space, 'link', 'set', 'lo', 'up')
      const address = this.addresses.get(service)
      if (address === undefined) continue
      const [near, far] = [`rbv${index}`, `eth0`]
      ip('-n', name, 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', space)
      ip('-n', name, 'link', 'set', near, 'master', 'br0', 'up')
      ip('-n', space, 'address', 'add', `${address}/24`, 'dev', far)
      ip('-n', space, 'link', 'set', far, 'up')
    }
  }

  private async start(only: (name: string, service: ComposeService) => boolean): Promise<void> {
    const wanted = Object.entries(this.file.services).filter(
      ([name, service]) => service.profiles === undefined && only(name, service),
    )
    const done = new Set<string>()
    while (done.size < wanted.length) {
      const next = wanted.filter(
        ([name, { depends_on = {} }]) =>
          !done.has(name) && Object.keys(depends_on).every((each) => done.has(each)),
      )
      if (next.length === 0) throw new Error('services wait for each other')
      await Promise.all(next.map(([name, service]) => this.startOne(name, service, wanted)))
      for (const [name] of next) done.add(name)
    }
  }

  private async startOne(
    name: string,
    service: ComposeService,
    all: readonly (readonly [string, ComposeService])[],
  ): Promise<void> {
    const running = this.process(name, commandWords(service.command))
    const oneShot = all.some(
      ([, { depends_on = {} }]) => depends_on[name]?.condition === 'service_completed_successfully',
    )
    if (oneShot) {
      const code = await running.exit()
      if (code !== 0) throw new Error(`${name} ended with ${code}\n${running.output}`)
      return
    }
    this.running.set(name, running)
    if (service.image !== 'ringbridge' || service.healthcheck?.disable === true) return
    // The HEALTHCHECK of the image.
    await eventually(
      `${name} is healthy`,
      async () => {
        const check = this.exec(name, process.execPath, join(ROOT, 'bin', 'ringbridge.mjs'), 'health')
        if ((await check.exit()) === 0) return true
        throw new Error(`${check.output}\n${running.output}`)
      },
      90_000,
    )
  }

  private process(name: string, args: readonly string[]): Running {
    const service = this.file.services[name] as ComposeService
    const own = service.image === 'ringbridge'
    const [, , ...front] = service.entrypoint ?? []
    const program = own
      ? [process.execPath, '/srv/app/bin/ringbridge.mjs', ...front]
      : [service.image.replace(/^.*\/([^:]+):.*$/, '$1')]
    const environment = Object.entries({
      PATH: '/usr/bin:/bin',
      NODE_ENV: 'production',
      ...service.environment,
    })
    const script = [
      'set -e',
      'mount --make-rprivate /',
      'mount -t tmpfs -o mode=755 tmpfs /srv',
      'mkdir -p /srv/app /srv/ringbridge/data /srv/ringbridge/config',
      `mount --bind ${ROOT} /srv/app`,
      'mount -t tmpfs -o mode=755 tmpfs /run',
      'mkdir -p /run/secrets',
      ...(own ? [] : ['mount -t tmpfs -o mode=755 tmpfs /etc/prometheus', 'mkdir -p /srv/prometheus']),
      ...(service.volumes ?? []).flatMap((volume) => this.mount(volume)),
      ...(service.secrets ?? []).flatMap((secret) =>
        bind(join(this.project, this.file.secrets[secret]?.file ?? ''), `/run/secrets/${secret}`, true, true),
      ),
      `mount --bind ${join(this.folder, 'hosts')} /etc/hosts`,
      'mount -o remount,ro /srv',
      'mount -o remount,ro,bind /',
      own ? 'cd /srv/ringbridge' : 'cd /',
      `exec setpriv --reuid ${USER} --regid ${USER} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"`,
    ]
    return new Running('ip', [
      ...['netns', 'exec', this.namespace(name), 'unshare', '-m', 'sh', '-c', script.join('\n'), 'sh'],
      ...['env', '-i', ...environment.map(([key, value]) => `${key}=${value}`)],
      ...[...program, ...args.map((arg) => arg.replace(/=\/prometheus$/, '=/srv/prometheus'))],
    ])
  }

  private mount(text: string): string[] {
    const [source = '', target = '', mode] = text.split(':')
    const named = !source.startsWith('.')
    const from = named ? this.volume(source) : resolve(this.project, source)
    // Prometheus keeps its data in a folder of the root, which no process can make.
    const to = target === '/prometheus' ? '/srv/prometheus' : target
    const file = !named && /\.\w+$/.test(from)
    return bind(from, to, file, mode === 'ro')
  }

  private volume(name: string): string {
    return join(this.folder, 'volumes', name)
  }

  private namespace(service: string): string {
    return `${this.tag}-${service}`
  }
}

function bind(from: string, to: string, file: boolean, readOnly: boolean): string[] {
  return [
    file ? `mkdir -p ${dirname(to)} && touch ${to}` : `mkdir -p ${to}`,
    `mount --bind ${from} ${to}`,
    ...(readOnly ? [`mount -o remount,ro,bind ${to}`] : []),
  ]
}

/** Fixed addresses as the file says, the others in order; services without a network have none. */
function addressesOf(file: ComposeFile): Map<string, string> {
  const addresses = new Map<string, string>()
  let free = FREE_ADDRESSES_FROM
  for (const [name, { networks, network_mode }] of Object.entries(file.services)) {
    if (network_mode === 'none') continue
    const fixed = networks !== undefined && 'overlay' in networks ? networks.overlay.ipv4_address : undefined
    addresses.set(name, fixed ?? `172.30.78.${free++}`)
  }
  return addresses
}

function ip(...args: readonly string[]): void {
  sh('ip', args)
}

function sh(command: string, args: readonly string[]): void {
  const { status, stderr, stdout } = spawnSync(command, [...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${stdout}`)
}
