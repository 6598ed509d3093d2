/** The plain page at `/`: what this is and where to look. Holds no data, so it needs no token. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ringbridge</title>
<link rel="stylesheet" href="/assets/style.css">
</head>
<body>
<h1>Ringbridge</h1>
<p>A P2PSIP adapter peer: SIP phones register here, and the overlay finds them from every other peer. There is no central server.</p>
<ul>
<li><a href="/readyz">/readyz</a> is this node ready, and if not, why</li>
<li><a href="/healthz">/healthz</a> is the process alive</li>
<li><a href="/metrics">/metrics</a> numbers for Prometheus</li>
<li><a href="/api/docs">/api/docs</a> the API, with everything that can be asked</li>
<li><a href="/api/v1/ring">/api/v1/ring</a> the ring as this node sees it</li>
<li><a href="/api/v1/bindings">/api/v1/bindings</a> phones registered here</li>
<li><a href="/api/v1/traces">/api/v1/traces</a> calls of the last minutes</li>
</ul>
</body>
</html>
`
