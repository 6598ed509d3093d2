/** What a binding takes: growth of the memory that only the server's processes have (Pss) from no binding to many. */
import { readFileSync } from 'node:fs'
import { family, load } from '../load.ts'
import type { Server } from '../servers.ts'

/** Later than the 32 s for which a UDP transaction is remembered (RFC 3261 Timer J), and a pause in which memory is given back. */
const REST_MS = 45_000

export async function bindingMemory(servers: readonly Server[], bindings: number): Promise<string[]> {
  const lines: string[] = [
    `memory a binding (growth of Pss over ${bindings} users with one binding each, ${REST_MS / 1000} s after the last REGISTER)`,
  ]
  let own = NaN
  for (const server of servers) {
    const before = pssBytes(server.pids)
    const flags = [
      '-m',
      'register',
      '-w',
      '16',
      '-p',
      '5090',
      '-u',
      String(bindings),
      '-n',
      String(bindings),
      '-t',
      '60',
    ]
    const { fail, unfinished } = await load(server.pids, server.targets[0] ?? '', flags)
    await new Promise((resolve) => setTimeout(resolve, REST_MS))
    const each = (pssBytes(server.pids) - before) / bindings
    if (Number.isNaN(own)) own = each
    const ratio = each === own ? '' : `; ringbridge : this = ${(own / each).toFixed(2)}`
    const lost = fail + unfinished > 0 ? `; LOST ${fail + unfinished}` : ''
    lines.push(`  ${server.name.padEnd(22)}; ${each.toFixed(0)} bytes${ratio}${lost}`)
  }
  return lines
}

/** Memory that only these processes have, and their part of what they share. */
export function pssBytes(pids: readonly number[]): number {
  let bytes = 0
  for (const pid of pids.flatMap(family)) {
    const line = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
      .split('\n')
      .find((each) => each.startsWith('Pss:'))
    bytes += 1024 * Number(line?.split(/\s+/)[1] ?? NaN)
  }
  return bytes
}
