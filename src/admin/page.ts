/** The document at `/`. Holds no data, so it needs no token; everything in it comes from the API by script. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ringbridge</title>
<link rel="stylesheet" href="/assets/style.css">
<script type="module" src="/assets/main.js"></script>
</head>
<body>
<div id="app">
<noscript><p>This page needs JavaScript. The same is at <a href="/readyz">/readyz</a>, <a href="/metrics">/metrics</a> and <a href="/api/docs">/api/docs</a>.</p></noscript>
</div>
</body>
</html>
`
