/** A network namespace of our own with nothing but loopback, in which ports can be cut off by packet filter. */
import { execFileSync } from 'node:child_process'

export class Namespace {
  private readonly name = `rb${process.pid}-cut`

  private constructor() {
    execFileSync('ip', ['netns', 'add', this.name])
    execFileSync('ip', ['-n', this.name, 'link', 'set', 'lo', 'up'])
  }

  static make(): Namespace {
    return new Namespace()
  }

  /** What stands in front of a command that is to run inside. */
  get before(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name]
  }

  /** Segments to and from these TCP ports vanish from now on, on open connections too; nobody is told. */
  cut(ports: readonly number[]): void {
    const set = `{ ${ports.join(', ')} }`
    this.nft(
      `table ip cut {\n  chain out {\n    type filter hook output priority 0;\n    tcp dport ${set} drop\n    tcp sport ${set} drop\n  }\n}\n`,
    )
  }

  mend(): void {
    this.nft('flush ruleset\n')
  }

  /** The answer of an HTTP server inside: its status and body. */
  get(url: string): { readonly status: number; readonly body: string } {
    const [program, ...args] = [...this.before, 'curl', '-s', '-m', '10', '-w', '\n%{http_code}', url]
    const text = execFileSync(program as string, args, { encoding: 'utf8' })
    const end = text.lastIndexOf('\n')
    return { status: Number(text.slice(end + 1)), body: text.slice(0, end) }
  }

  remove(): void {
    execFileSync('ip', ['netns', 'del', this.name])
  }

  private nft(rules: string): void {
    const [program, ...args] = [...this.before, 'nft', '-f', '-']
    execFileSync(program as string, args, { input: rules })
  }
}
