// Minimal registrar + stateful record-routing proxy on npm "sip" 0.0.6.  NODE_PATH=... node sip-npm-server.cjs PORT
const sip = require('sip'),
  proxy = require('sip/proxy')
const port = +process.argv[2] || 5070,
  loc = new Map()
const aor = (u) => {
  const x = typeof u === 'string' ? sip.parseUri(u) : u
  return x.user + '@' + x.host
}
const rr = (m) => {
  ;(m.headers['record-route'] ||= []).unshift({ uri: `sip:127.0.0.1:${port};lr`, params: {} })
}
proxy.start(
  {
    port,
    address: '127.0.0.1',
    publicAddress: 'dht.example.com',
    hostname: 'dht.example.com',
    udp: true,
    tcp: true,
    logger: {
      error: (e) => {
        if (!proxy.e) {
          proxy.e = 1
          console.error(e)
        }
      },
    },
  },
  (rq, remote) => {
    if (rq.headers.route && sip.parseUri(rq.headers.route[0].uri).host === '127.0.0.1')
      rq.headers.route.shift()
    if (rq.method === 'REGISTER') {
      const c = rq.headers.contact,
        exp = Math.min(+(rq.headers.expires ?? 3600), 7200)
      if (Array.isArray(c))
        loc.set(aor(rq.headers.to.uri), {
          contacts: c,
          cseq: rq.headers.cseq.seq,
          callid: rq.headers['call-id'],
          exp: Date.now() + exp * 1000,
        })
      const rs = sip.makeResponse(rq, 200, 'OK')
      rs.headers.to.params.tag = 'reg'
      rs.headers.contact = c
      if (Array.isArray(c))
        c.forEach((x) => {
          x.params.expires = exp
        })
      return proxy.send(rs)
    }
    if (rq.headers.to.params.tag) return proxy.send(rq) // in dialog: Request-URI is the remote target
    const u = loc.get(aor(rq.uri))
    if (!u) return proxy.send(sip.makeResponse(rq, 404, 'Not Found'))
    rq.uri = u.contacts[0].uri
    if (rq.method === 'INVITE') rr(rq)
    proxy.send(rq)
  },
)
process.on('SIGTERM', () => process.exit(0))
