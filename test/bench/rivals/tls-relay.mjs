// What node:tls alone costs: whatever one of two connections brings is written to the other, as it comes. Connections are
// paired in the order in which they are made. Usage: tls-relay.mjs PORT CERTIFICATE.pem KEY.pem
import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'

const [port, certificate, key] = process.argv.slice(2)
let waiting

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key), noDelay: true })
server.on('secureConnection', (socket) => {
  socket.on('error', () => socket.destroy())
  if (waiting === undefined) {
    waiting = socket
    return
  }
  const other = waiting
  waiting = undefined
  socket.on('data', (bytes) => other.write(bytes))
  other.on('data', (bytes) => socket.write(bytes))
  socket.on('close', () => other.destroy())
  other.on('close', () => socket.destroy())
})
server.listen(Number(port), '127.0.0.1')
