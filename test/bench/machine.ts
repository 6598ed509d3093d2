/**
 * What one message costs in the machine alone, with traces as a node keeps them: rounds of REGISTERs, without and with digest, or calls without a socket.
 * A CPU profile of it (`node --cpu-prof`) shows what is ours and nothing of the kernel's.
 *
 *     npm run bench:machine -- register 12     # register, digest or call; how many rounds
 */
import { CallRecorder } from '../../src/trace/recorder.ts'
import { SipMachine } from './sip-machine.ts'

const USERS = 2_000
const OF_A_ROUND = { register: 40_000, digest: 20_000, call: 4_000 }

const [what = 'register', rounds = '8', traces = 'traces'] = process.argv.slice(2)
if (what !== 'register' && what !== 'digest' && what !== 'call') throw new Error('register, digest or call')
const machine = new SipMachine({
  users: USERS,
  perSecond: 4_000,
  auth: what === 'digest' ? 'digest' : 'none',
  ...(traces === 'traces' ? { calls: new CallRecorder(1n) } : {}),
})
const count = OF_A_ROUND[what]
for (let i = 0; i < USERS; i++) one(what === 'digest' ? 'digest' : 'register')
let least = Infinity
for (let round = 1; round <= Number(rounds); round++) {
  const before = process.cpuUsage()
  machine.busyMs = 0
  for (let i = 0; i < count; i++) one(what)
  const { user, system } = process.cpuUsage(before)
  const inside = (machine.busyMs * 1000) / count
  least = Math.min(least, inside)
  console.log(
    `round ${round}: ${inside.toFixed(1)} µs in the machine, ${((user + system) / count).toFixed(1)} CPU-µs with the phones and all threads`,
  )
}
console.log(`least in the machine: ${least.toFixed(1)} µs for each ${what}`)

function one(kind: keyof typeof OF_A_ROUND): void {
  if (kind === 'call') machine.call()
  else if (kind === 'digest') machine.digest()
  else machine.datagram(machine.registerOf())
}
