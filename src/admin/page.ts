/** The document at `/`. Holds no data, so it needs no token; everything in it comes from the API by script. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ringbridge</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
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

/** A ring with one node of its own. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="11" fill="none" stroke="#7c8ea3" stroke-width="4"/><path d="M16 5a11 11 0 0 1 11 11" fill="none" stroke="#2f81e0" stroke-width="4"/><circle cx="27" cy="16" r="4.5" fill="#2f81e0"/><circle cx="8" cy="24" r="3.5" fill="#7c8ea3"/></svg>
`
