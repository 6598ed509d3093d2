// What processes that share one UDP port cost, before anything is done with a message. Usage: echo-workers.mjs PORT alone|before-core
//   alone        each of two workers sends back what it gets: nothing is known in common
//   before-core  two workers only read and send; what they get goes through a pipe to one process and back, the datagrams of a turn
//                together: the least that it takes when one process knows the bindings and the transactions
import cluster from 'node:cluster'
import { createSocket } from 'node:dgram'
import { createServer, Socket } from 'node:net'

const WORKERS = 2
const PIPE = 4
const [port, way] = [Number(process.argv[2]), process.argv[3]]

if (cluster.isPrimary) primary()
else worker()

function primary() {
  cluster.setupPrimary({ stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'] })
  const workers = Array.from({ length: WORKERS }, () => cluster.fork())
  let listening = 0
  for (const each of workers) {
    const pipe = each.process.stdio[PIPE]
    pipe.on('data', (bytes) => pipe.write(bytes))
    pipe.on('error', () => pipe.destroy())
    each.once('listening', () => {
      if (++listening < WORKERS) return
      console.log(JSON.stringify({ pids: [process.pid, ...workers.map(({ process: { pid } }) => pid)] }))
      // As the other servers do: whoever waits for us looks for this.
      createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
    })
  }
  process.on('SIGTERM', () => {
    for (const each of workers) each.process.kill('SIGTERM')
    process.exit(0)
  })
}

function worker() {
  const udp = createSocket({
    type: 'udp4',
    lookup: (host, _options, done) => done(null, host, 4),
  })
  if (way === 'alone')
    udp.on('message', (bytes, from) => udp.send(bytes, 0, bytes.length, from.port, from.address))
  else throughPipe(udp)
  udp.bind(port, '127.0.0.1')
}

/** On the pipe: length, port, bytes. All addresses of the measurement are 127.0.0.1. */
function throughPipe(udp) {
  const pipe = new Socket({ fd: PIPE, readable: true, writable: true })
  let batch = []
  udp.on('message', (bytes, from) => {
    if (batch.length === 0)
      setImmediate(() => {
        pipe.write(Buffer.concat(batch))
        batch = []
      })
    const head = Buffer.allocUnsafe(4)
    head.writeUInt16BE(bytes.length, 0)
    head.writeUInt16BE(from.port, 2)
    batch.push(head, bytes)
  })
  let rest = Buffer.alloc(0)
  pipe.on('data', (bytes) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    let at = 0
    while (all.length - at >= 4) {
      const length = all.readUInt16BE(at)
      if (all.length - at - 4 < length) break
      udp.send(all, at + 4, length, all.readUInt16BE(at + 2), '127.0.0.1')
      at += 4 + length
    }
    rest = all.subarray(at)
  })
}
