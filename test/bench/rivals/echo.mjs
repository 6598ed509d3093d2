// The least that Node can do with a message: echo over UDP (no DNS look-up, no callback for each send) and over TCP (frames of 500
// bytes, one write for each read). Usage: echo.mjs PORT
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const port = Number(process.argv[2])
const FRAME = 500

const udp = createSocket({
  type: 'udp4',
  recvBufferSize: 4 << 20,
  sendBufferSize: 4 << 20,
  lookup: (host, _options, done) => done(null, host, 4),
})
udp.on('message', (bytes, from) => udp.send(bytes, 0, bytes.length, from.port, from.address))
udp.bind(port, '127.0.0.1')

createServer({ noDelay: true }, (socket) => {
  let rest = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const whole = all.length - (all.length % FRAME)
    if (whole > 0) socket.write(all.subarray(0, whole))
    rest = all.subarray(whole)
  })
}).listen(port, '127.0.0.1')
