/** `ringbridge health`: the health check of a container or a script. */
import { formatHostPort, isUnspecified, parseHostPort } from '../../app/config/endpoint.ts'
import { loadConfig } from '../../app/config/load.ts'
import { question } from '../admin-client.ts'
import { EXIT, noneLeft, print, readArgs, type Command } from '../command.ts'

interface Readiness {
  readonly ready?: boolean
  readonly failing?: readonly { readonly name: string; readonly detail?: string }[]
}

export const health: Command = {
  help: `ringbridge health

Exit code 0 when the node on this machine is ready to serve: joined, self-test fresh, journal writable. Otherwise 1, with the
failing checks. For HEALTHCHECK of a container, ExecStartPost of a unit, and scripts that wait.

  --live              only whether the process answers, joined or not
  --config FILE       configuration of the node: its admin.listen is asked (default: all defaults, and the environment)
  --admin HOST:PORT   admin address to ask instead
  --json              JSON`,
  run: async (args) => {
    const { values, positionals } = readArgs(args, {
      live: { type: 'boolean', default: false },
      config: { type: 'string' },
      admin: { type: 'string' },
      json: { type: 'boolean', default: false },
    })
    noneLeft(positionals, 0)
    const admin = values.admin ?? ownAdmin(loadConfig(values.config, process.env).config.admin.listen)
    const answer = await question(admin, values.live ? '/healthz' : '/readyz', undefined)
    if (answer.status === undefined) {
      if (values.json) print(JSON.stringify({ ready: false, reason: answer.reason }))
      else print(`not there: ${answer.reason}`)
      return EXIT.failed
    }
    if (values.json) print(JSON.stringify(answer.body))
    else print(sentence(answer.status, answer.body as Readiness | null))
    return answer.status === 200 ? EXIT.done : EXIT.failed
  },
}

function sentence(status: number, body: Readiness | null): string {
  if (status === 200) return body?.ready === true ? 'ready' : 'alive'
  const failing = (body?.failing ?? []).map(({ name, detail }) =>
    detail === undefined ? name : `${name} (${detail})`,
  )
  return failing.length === 0 ? `answered with status ${status}` : `not ready: ${failing.join(', ')}`
}

/** Where the node of this configuration answers on this machine. */
function ownAdmin(listen: string): string {
  const { host, port } = parseHostPort(listen, 'admin.listen')
  if (!isUnspecified(host)) return listen
  return formatHostPort({ host: host === '::' ? '::1' : '127.0.0.1', port })
}
