/** The plain page at `/`: what this is and where to look. Holds no data, so it needs no token. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Ringbridge</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:40rem;padding:0 1rem}code{background:#eee;padding:0 .25em}</style>
</head>
<body>
<h1>Ringbridge</h1>
<p>A P2PSIP adapter peer: SIP phones register here, and the overlay finds them from every other peer. There is no central server.</p>
<ul>
<li><a href="/readyz">/readyz</a> is this node ready, and if not, why</li>
<li><a href="/healthz">/healthz</a> is the process alive</li>
<li><a href="/metrics">/metrics</a> numbers for Prometheus</li>
<li><a href="/api/v1/peer">/api/v1/peer</a> who this node is</li>
<li><a href="/api/v1/ring">/api/v1/ring</a> the ring as this node sees it</li>
<li><a href="/api/v1/storage">/api/v1/storage</a> what it stores for others</li>
<li><a href="/api/v1/bindings">/api/v1/bindings</a> phones registered here</li>
<li><a href="/api/v1/users">/api/v1/users</a> accounts</li>
<li><code>/api/v1/locate?aor=user@domain</code> where the overlay says a user is</li>
</ul>
</body>
</html>
`
