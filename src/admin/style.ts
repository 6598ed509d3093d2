/** Style of the admin page and of the API's documentation. Colours are variables with a dark set; nothing is loaded from elsewhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f5f6f8; --surface: #ffffff; --sunk: #eef0f3; --text: #1a1f26; --muted: #5a6572; --line: #d8dde4;
  --accent: #0b63c4; --accent-soft: #dbe9fa; --ok: #17743f; --ok-soft: #dcf1e4; --warn: #8a5b00; --warn-soft: #f8ecd2;
  --bad: #b42318; --bad-soft: #fbe3e0; --even: #c9d3df; --odd: #dde3ea; --violet: #6a4bb5;
  --shadow: 0 1px 2px rgb(20 30 45 / .07);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101317; --surface: #181d24; --sunk: #222933; --text: #e4e8ee; --muted: #97a3b2; --line: #2b333e;
    --accent: #62a8ff; --accent-soft: #16304f; --ok: #4cc38a; --ok-soft: #143526; --warn: #e0ad4a; --warn-soft: #3a2c10;
    --bad: #f2786b; --bad-soft: #431d1a; --even: #36414f; --odd: #28313c; --violet: #b29bf0; --shadow: none;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { background: var(--ground); }
body { margin: 0; font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; color: var(--text); }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 2px; }
code, pre { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: .9em; }
h1, h2, h3 { line-height: 1.25; margin: 0; font-weight: 650; }
h1 { font-size: 1.3rem; } h2 { font-size: 1rem; } h3 { font-size: .93rem; font-weight: 600; }
p { margin: .5rem 0; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
noscript { display: block; padding: 2rem; }

header { display: flex; align-items: center; gap: .4rem 1.4rem; flex-wrap: wrap; padding: .55rem 1.25rem; background: var(--surface); border-bottom: 1px solid var(--line); position: sticky; top: 0; z-index: 2; }
.brand { font-weight: 700; font-size: 1.05rem; color: var(--text); text-decoration: none; }
nav { display: flex; gap: .15rem; }
nav a { padding: .3rem .75rem; border-radius: 7px; color: var(--muted); text-decoration: none; font-weight: 550; }
nav a:hover { color: var(--text); background: var(--sunk); }
nav a[aria-current] { color: var(--accent); background: var(--accent-soft); }
.status { display: flex; align-items: center; gap: .6rem; margin: 0 0 0 auto; color: var(--muted); }
.docs-link { color: var(--muted); }

main { padding: 1.1rem 1.25rem 2rem; max-width: 1440px; margin: 0 auto; }
.page > .head { display: flex; align-items: center; gap: .5rem 1rem; flex-wrap: wrap; margin-bottom: .8rem; }
.page > .head input[type=search] { width: 17rem; }
.page > .head .count { color: var(--muted); margin-right: auto; }
.panel { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1rem; box-shadow: var(--shadow); min-width: 0; }
.panel > h2 { display: flex; align-items: center; gap: .6rem; margin-bottom: .55rem; }
.panel > .head { display: flex; align-items: center; gap: .6rem; margin-bottom: .6rem; }
.panel > .head h2 { margin-right: auto; }
.empty { color: var(--muted); margin: .3rem 0; }
.problem { color: var(--bad); margin: .4rem 0; }
.badge { display: inline-block; font-size: .78rem; font-weight: 600; line-height: 1; padding: .28em .55em; border-radius: 99px; white-space: nowrap; background: var(--sunk); color: var(--muted); }
.badge.ok { background: var(--ok-soft); color: var(--ok); } .badge.warn { background: var(--warn-soft); color: var(--warn); }
.badge.bad { background: var(--bad-soft); color: var(--bad); } .badge.accent { background: var(--accent-soft); color: var(--accent); }
.fields { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .22rem .9rem; margin: 0; }
.fields dt { color: var(--muted); } .fields dd { margin: 0; overflow-wrap: anywhere; }
.id { overflow-wrap: anywhere; } dd .id + .id { display: block; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; margin: .7rem 0 0; }
.result { color: var(--muted); }
button, input[type=search], input[type=password] { font: inherit; color: inherit; border: 1px solid var(--line); border-radius: 7px; padding: .36rem .7rem; background: var(--surface); }
button { cursor: pointer; font-weight: 550; } button:hover { border-color: var(--accent); color: var(--accent); }
button.quiet { border-color: transparent; background: none; color: var(--accent); padding: .15rem .4rem; } button.quiet:hover { background: var(--accent-soft); }
input[type=search] { min-width: 0; background: var(--ground); }
input[type=checkbox] { accent-color: var(--accent); vertical-align: -1px; }

table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-size: .8rem; font-weight: 600; color: var(--muted); padding: .2rem .6rem .4rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td { padding: .42rem .6rem .42rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; } th.number + th, td.number + td { padding-left: .9rem; }
tr.choice { cursor: pointer; } tr.choice:hover { background: var(--sunk); }
tr:has([aria-current]) { background: var(--accent-soft); }

.ring-page { display: grid; grid-template-columns: minmax(0, 1fr) minmax(320px, 400px); grid-template-rows: auto 1fr; gap: 1rem; align-items: start; }
.stage { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1rem 1rem; box-shadow: var(--shadow); min-width: 0; }
.banner { color: var(--muted); display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .6rem; min-height: 1.6rem; }
.side { display: grid; gap: 1rem; min-width: 0; grid-row: span 2; }
.rates { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 0 1px; background: var(--line); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.rate { background: var(--surface); padding: .6rem .9rem; display: grid; grid-template-columns: 1fr auto; column-gap: .5rem; }
.rate .title { color: var(--muted); font-size: .85rem; } .rate .value { font-variant-numeric: tabular-nums; font-weight: 600; }
.rate .line { grid-column: 1 / -1; width: 100%; height: 34px; margin-top: .25rem; }
.line polyline { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; stroke-linejoin: round; }

svg.ring { display: block; width: 100%; max-width: 760px; height: auto; margin: .2rem auto 0; overflow: visible; }
.ring .circle { fill: none; stroke: var(--line); stroke-width: 1; }
.ring .arc { fill: none; stroke-width: 10; cursor: pointer; } .ring .arc.even { stroke: var(--even); } .ring .arc.odd { stroke: var(--odd); }
.ring .arc.own { stroke: var(--accent); opacity: .55; } .ring .arc.chosen { stroke-width: 15; opacity: 1; } .ring .arc.chosen:not(.own) { stroke: var(--muted); }
.ring .link { fill: none; stroke-width: 1.4; } .ring .link.successor { stroke: var(--accent); stroke-width: 2; opacity: .8; }
.ring .link.predecessor { stroke: var(--accent); opacity: .38; } .ring .link.finger { stroke: var(--violet); stroke-dasharray: 2 5; stroke-width: 1.6; opacity: .85; }
.ring .link.wrong { stroke: var(--warn); stroke-width: 2; stroke-dasharray: 7 4; } .ring .link.path { stroke: var(--ok); stroke-width: 3; }
.ring line.resource { stroke: var(--ok); stroke-width: 2.5; } .ring circle.resource { fill: var(--ok); } .ring .reach { fill: none; stroke: var(--ok); stroke-width: 2.5; stroke-dasharray: 1 4; stroke-linecap: round; }
.ring .node { cursor: pointer; outline: none; } .ring .halo { fill: transparent; stroke: none; } .ring .dot { fill: var(--surface); stroke: var(--text); stroke-width: 2.2; }
.ring .node.self .dot { fill: var(--accent); stroke: var(--surface); stroke-width: 2.5; } .ring .node.heard .dot { fill: var(--text); stroke: var(--surface); }
.ring .node.known .dot { stroke: var(--muted); } .ring .node.silent .dot { stroke: var(--warn); stroke-dasharray: 3 3; } .ring .node.gone .dot { fill: var(--bad-soft); stroke: var(--bad); stroke-width: 1.6; }
.ring .node.gone { opacity: .75; } .ring .node.selected .halo, .ring .node:focus-visible .halo { stroke: var(--accent); stroke-width: 2; }
.ring .node.responsible .dot { fill: var(--ok); stroke: var(--surface); } .ring .node.replica .dot { fill: var(--ok-soft); stroke: var(--ok); } .ring .node.passed:not(.responsible) .halo { stroke: var(--ok); stroke-width: 2; }
.ring { font-size: 12.5px; } .ring .label { font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: var(--muted); pointer-events: none; } .ring .label.self { fill: var(--accent); font-weight: 700; } .ring .label.chosen { fill: var(--text); font-weight: 700; }
.ring .label.silent { fill: var(--warn); } .ring .label.gone { fill: var(--bad); text-decoration: line-through; } .ring .role { font: 11.5px system-ui, sans-serif; } .ring .leader { stroke: var(--line); stroke-width: 1; }
.ring .middle text { paint-order: stroke; stroke: var(--surface); stroke-width: 10px; stroke-linejoin: round; pointer-events: none; } .ring .count { font-size: 44px; font-weight: 650; fill: var(--text); font-variant-numeric: tabular-nums; } .ring .unit { font-size: 15px; fill: var(--muted); }
@media (prefers-reduced-motion: no-preference) {
  .ring .node { animation: come .7s ease-out; transform-box: fill-box; transform-origin: center; }
  .ring .arc { transition: stroke-width .12s; }
  @keyframes come { from { transform: scale(3); opacity: 0; } }
}
.legend { list-style: none; display: flex; flex-wrap: wrap; justify-content: center; gap: .25rem .9rem; padding: 0; margin: .4rem 0 0; color: var(--muted); font-size: .8rem; }
.legend li { display: flex; align-items: center; gap: .45rem; } .key { width: 20px; height: 0; border-top: 3px solid var(--even); }
.key.self { border-color: var(--accent); border-top-width: 8px; border-radius: 2px; opacity: .65; } .key.successor { border-color: var(--accent); } .key.predecessor { border-color: var(--accent); opacity: .45; border-top-width: 2px; }
.key.finger { border-top: 2px dotted var(--violet); } .key.silent, .key.gone { width: 11px; height: 11px; border-radius: 50%; border: 2px dashed var(--warn); } .key.gone { border: 2px solid var(--bad); background: var(--bad-soft); }
.as-table { margin-top: .8rem; } .as-table summary { cursor: pointer; color: var(--muted); } .as-table .list { overflow-x: auto; margin-top: .5rem; }
.find { display: flex; gap: .5rem; } .find input { flex: 1; } .find-panel .answer:not(:empty) { margin-top: .8rem; }
.entry { margin-top: .7rem; padding-top: .7rem; border-top: 1px solid var(--line); } .entry h3 { margin-bottom: .35rem; overflow-wrap: anywhere; } .entry h3 .id { font-weight: 400; }
.changes ol { list-style: none; margin: 0; padding: 0; } .changes li { display: flex; align-items: baseline; gap: .7rem; padding: .16rem 0; } .changes time { color: var(--muted); font-variant-numeric: tabular-nums; }

.rows { overflow-x: auto; } .rows td button { white-space: nowrap; } .phones-page td strong { overflow-wrap: break-word; } .calls-page .trace { margin-top: 1rem; }
.ladder-box { overflow-x: auto; margin: .8rem 0; border: 1px solid var(--line); border-radius: 8px; background: var(--ground); padding: .4rem 0; }
svg.ladder { display: block; color: var(--text); min-width: min-content; }
.ladder .lane { stroke: var(--line); } .ladder .step { cursor: pointer; outline: none; } .ladder .step.sip line, .ladder .who.node { stroke: none; } .ladder .step.sip line { stroke: var(--accent); } .ladder .step.sip path, .ladder .step.sip circle { fill: var(--accent); }
.ladder .step.overlay line { stroke: var(--violet); } .ladder .step.overlay path, .ladder .step.overlay circle { fill: var(--violet); } .ladder .step.fault line { stroke: var(--bad); } .ladder .step.fault path { fill: var(--bad); }
.ladder .step:hover .row, .ladder .step.chosen .row { fill: var(--sunk); } .ladder .step:hover .label, .ladder .step.chosen .label, .ladder .step:focus-visible .label { font-weight: 700; } .ladder .step.chosen line { stroke-width: 2.6; } .ladder .who.node { fill: var(--accent); }
pre.message { margin: 0; padding: .8rem 1rem; background: var(--sunk); border-radius: 8px; overflow-x: auto; max-height: 24rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .82rem; line-height: 1.45; }

.cards { columns: 3 330px; column-gap: 1rem; } .cards .panel { break-inside: avoid; margin-bottom: 1rem; } .cards + .panel { margin-top: 1rem; }
.checks { list-style: none; margin: 0; padding: 0; } .checks li { display: grid; grid-template-columns: 3.2rem 1fr; align-items: baseline; gap: .1rem .7rem; padding: .24rem 0; } .checks .badge { text-align: center; } .checks small { color: var(--muted); grid-column: 2; }
.cards td { overflow-wrap: break-word; }
.token { max-width: 26rem; margin: 12vh auto 0; display: grid; gap: .6rem; } .token button { justify-self: start; } .token p { margin: 0; color: var(--muted); }

.docs main { max-width: 900px; } .docs h1 { margin-bottom: .5rem; } .docs h2 { margin: 1.6rem 0 .5rem; }
.operation { background: var(--surface); border: 1px solid var(--line); border-radius: 8px; padding: .5rem .9rem; margin: .4rem 0; } .operation summary { cursor: pointer; } .operation summary b { display: inline-block; min-width: 3.6rem; color: var(--accent); } .operation summary span { color: var(--muted); }
.docs dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .9rem; } .docs dd { margin: 0; } .docs dt { font-weight: 600; } .docs pre { max-height: 26rem; overflow: auto; background: var(--sunk); padding: .7rem; border-radius: 6px; }

@media (max-width: 900px) {
  .ring-page { grid-template-columns: minmax(0, 1fr); }
  .rates { grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
}
@media (max-width: 640px) {
  header { padding: .5rem .8rem .3rem; gap: .2rem .8rem; } .status { flex-wrap: wrap; gap: .4rem; } .overlay-name, .docs-link { display: none; }
  nav { order: 3; width: 100%; justify-content: space-between; } nav a { flex: 1; text-align: center; padding: .4rem .2rem; }
  main { padding: .8rem .7rem 2rem; } .panel, .stage { padding: .8rem; }
  svg.ring { width: calc(100% + 1rem); margin-left: -.5rem; font-size: 21px; } .ring .role { display: none; } .ring .count { font-size: 62px; } .ring .unit { font-size: 25px; transform: translateY(10px); }
  .rates { grid-template-columns: 1fr 1fr; }
  .page > .head input[type=search] { width: 100%; } .rate:last-child:nth-child(odd) { grid-column: 1 / -1; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); } tbody tr:last-child { border-bottom: 0; }
  td, td.number + td { display: flex; gap: .8rem; justify-content: space-between; border: 0; padding: .14rem 0; } td.number { text-align: right; } td:empty, td.number + td:empty { display: none; }
  td[data-title]:not([data-title=''])::before { content: attr(data-title); color: var(--muted); flex: none; }
  .legend { justify-content: flex-start; }
}
`
