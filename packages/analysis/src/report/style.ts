/** The page's only style sheet. Colours keep a contrast of 4.5 : 1 for text and 3 : 1 for lines, light and dark. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #fdfdfb; --ink: #1e2124; --muted: #5c6167; --rule: #dfe0db; --soft: #f1f2ee;
  --series-1: #b4500b; --series-2: #1d5fa8; --series-3: #2a7553; --series-4: #7a4ba3; --series-5: #a52d5f; --series-6: #5f6600;
  --good: #22693f; --bad: #a3262a; --doubt: #7a5200; --link: #1d5fa8; --alarm: #fdf0ee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15181b; --ink: #e4e6e4; --muted: #a0a6ac; --rule: #363b40; --soft: #1f2428;
    --series-1: #f0a35e; --series-2: #78b4f5; --series-3: #6fcf97; --series-4: #c5a5ec; --series-5: #f08bb4; --series-6: #c8d060;
    --good: #7fd39d; --bad: #f2938f; --doubt: #e8bd63; --link: #78b4f5; --alarm: #2b1a1b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  -webkit-text-size-adjust: 100%; text-size-adjust: 100%; overflow-wrap: break-word;
}
main { max-width: 1120px; margin: 0 auto; padding: 56px 20px 96px; }
main.wide { max-width: 1480px; }
h1 { font-size: clamp(1.6rem, 1.2rem + 1.6vw, 2.3rem); line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; margin: 0 0 20px; text-wrap: balance; }
h2 { font-size: 1.3rem; font-weight: 620; letter-spacing: -0.01em; margin: 0 0 16px; text-wrap: balance; }
h3 { font-size: 0.95rem; font-weight: 600; margin: 0 0 6px; }
p { margin: 0 0 14px; }
.lead { font-size: 1.075rem; max-width: 46em; }
section { border-top: 1px solid var(--rule); padding-top: 30px; margin-top: 52px; }
figure { margin: 0; }
figcaption, caption { color: var(--muted); font-size: 0.875rem; line-height: 1.5; text-align: left; max-width: 52rem; }
figcaption { margin-top: 18px; }
.muted { color: var(--muted); font-weight: 400; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus-visible { outline: 2px solid var(--series-2); outline-offset: 3px; border-radius: 2px; }

table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; }
.summary { width: 100%; table-layout: fixed; }
.summary caption { caption-side: bottom; padding-top: 18px; }
.summary thead th { color: var(--muted); font-size: 0.875rem; font-weight: 500; padding: 0 16px 8px 0; }
.summary tbody th, .summary td { padding: 14px 16px 16px 0; border-top: 1px solid var(--rule); }
.summary tbody th { font-weight: 620; }
.summary .value, .interval { white-space: nowrap; }
.summary .value { font-size: 1.15rem; }
.summary .best .value { font-weight: 700; }
.tag { font-size: 0.72rem; line-height: 1; padding: 2px 6px; border-radius: 9px; background: var(--soft); color: var(--ink); border: 1px solid var(--rule); vertical-align: 2px; }
.interval { display: block; color: var(--muted); font-size: 0.8rem; }
.series-1 { --series: var(--series-1); } .series-2 { --series: var(--series-2); } .series-3 { --series: var(--series-3); }
.series-4 { --series: var(--series-4); } .series-5 { --series: var(--series-5); } .series-6 { --series: var(--series-6); }
.bar { display: block; margin-top: 5px; overflow: visible; }
.bar .track { fill: var(--soft); }
.bar .share { fill: var(--series, var(--series-2)); }
.bar .limits { fill: none; stroke: var(--ink); stroke-opacity: 0.55; }

nav { margin: 22px 0 0; }
.contents { display: flex; flex-wrap: wrap; gap: 4px 20px; list-style: none; margin: 0; padding: 0; font-size: 0.92rem; }
.contents a { display: inline-block; padding: 6px 0; }
a { color: var(--link); text-underline-offset: 3px; text-decoration-thickness: 1px; }

.alarm { border: 2px solid var(--bad); border-radius: 6px; background: var(--alarm); padding: 14px 18px 10px; margin: 0 0 20px; }
.alarm h2, .alarm h3 { color: var(--bad); font-size: 1.05rem; margin: 0 0 8px; }
.alarm ul { margin: 0 0 8px; padding-left: 1.2em; }
.alarm li { margin-bottom: 6px; }
.alarm table { margin-top: 4px; }

.verdict { font-size: 1.25rem; font-weight: 650; margin: 0 0 6px; }
.reasons { list-style: none; margin: 0 0 20px; padding: 0; font-size: 0.92rem; }
.reasons li { display: grid; grid-template-columns: 1.4em 1fr; padding: 8px 0; border-top: 1px solid var(--rule); }
.reasons li > span { font-weight: 700; }
.board td, .board th { vertical-align: middle; }
.board thead th { vertical-align: bottom; white-space: nowrap; }
.plain.board tbody th { position: sticky; left: 0; background: var(--ground); max-width: 15rem; min-width: 7rem; overflow-wrap: anywhere; padding-left: 2px; }
.board td { min-width: 4.5rem; }
.board .value { font-weight: 600; }
.board .bar { min-width: 5rem; }
.sort { border: 1px solid transparent; border-radius: 4px; background: none; padding: 6px 4px; margin: 0 -4px; font-weight: inherit; min-height: 34px; }
.sort::after { content: ' ↕'; opacity: 0.6; }
[aria-sort=ascending] .sort::after { content: ' ↑'; opacity: 1; }
[aria-sort=descending] .sort::after { content: ' ↓'; opacity: 1; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 28px; align-items: start; }
.card { border: 1px solid var(--rule); border-radius: 8px; padding: 18px 20px 6px; min-width: 0; }
.card:has(:target) { border-color: var(--link); }
.card dl { grid-template-columns: repeat(auto-fill, minmax(min(100%, 170px), 1fr)); }
.card .scroll { margin: 16px 0; }

.stack { display: grid; gap: 28px; margin-top: 28px; }
.stack > * { min-width: 0; }

.hint { color: var(--muted); font-size: 0.875rem; line-height: 1.5; margin: 0 0 8px; max-width: 52rem; }
.tools { display: flex; flex-wrap: wrap; gap: 6px; margin: 0 0 14px; }
button { font: inherit; color: inherit; cursor: pointer; }
.tools button { min-width: 40px; min-height: 40px; padding: 0 10px; border: 1px solid var(--rule); border-radius: 6px; background: var(--soft); }
.tools button:hover, .sort:hover { border-color: var(--muted); }
canvas.landscape { cursor: grab; }
.map { cursor: crosshair; }
.cross { fill: none; stroke: white; stroke-width: 1; mix-blend-mode: difference; pointer-events: none; }
.reading { display: block; min-height: 1.5em; font-size: 0.875rem; font-variant-numeric: tabular-nums; color: var(--muted); }

.legend { display: flex; flex-wrap: wrap; gap: 4px 22px; list-style: none; margin: 0 0 18px; padding: 0; font-size: 0.9rem; }
.legend svg { margin-right: 8px; vertical-align: 1px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 310px), 1fr)); gap: 28px 32px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 28px 48px; align-items: start; }
.chart { display: block; width: 100%; max-width: 480px; height: auto; overflow: visible; font-family: inherit; }
.chart text { white-space: pre; }
.chart [data-mark="y-grid"], .chart [data-mark="x-grid"] { stroke: var(--rule); stroke-opacity: 1; }
.columns + .hint, .maps { margin-top: 28px; }
.hint + .tools + .maps { margin-top: 0; }
.loss-surface + .loss-surface { margin-top: 44px; }
.ramp { max-width: 380px; margin-bottom: 20px; }
.floor { fill: var(--soft); stroke: var(--rule); }
.axis { fill: none; stroke: currentColor; stroke-opacity: 0.55; }

.plain { font-size: 0.9rem; }
.plain caption { padding-bottom: 8px; }
.plain th, .plain td { padding: 6px 18px 6px 0; border-top: 1px solid var(--rule); }
.plain thead th, .plain thead td { border-top: 0; color: var(--muted); font-weight: 500; }
.plain tbody th { font-weight: 500; min-width: 5.5rem; }

.panels { list-style: none; margin: 0; padding: 0; display: grid; gap: 22px; }
.panels p { display: flex; flex-wrap: wrap; gap: 2px 10px; align-items: baseline; margin: 0 0 8px; font-size: 0.92rem; }
.panels b { font-weight: 600; }
.outcome { margin-left: auto; font-weight: 600; }
.held { color: var(--good); }
.broken { color: var(--bad); }
.doubtful { color: var(--doubt); }
.trio { display: grid; grid-template-columns: repeat(3, 1fr); gap: 10px; }
.picture img { display: block; width: 100%; height: auto; image-rendering: pixelated; border-radius: 3px; }
.picture span { display: block; margin-top: 4px; font-size: 0.82rem; color: var(--muted); }

details { border-top: 1px solid var(--rule); padding: 12px 0; }
details:first-of-type { border-top: 0; padding-top: 0; }
summary { cursor: pointer; width: fit-content; font-weight: 600; padding: 4px 0; }
.scroll { overflow-x: auto; margin-top: 8px; }
pre { font: 0.82rem/1.5 ui-monospace, "Liberation Mono", Menlo, monospace; margin: 0; }
dl { margin: 8px 0 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 240px), 1fr)); gap: 12px 32px; }
dt { color: var(--muted); font-size: 0.82rem; }
dd { margin: 0; font-size: 0.92rem; }

@media (max-width: 720px) {
  main { padding-top: 32px; }
  section { margin-top: 40px; padding-top: 24px; }
  .summary, .summary caption, .summary tbody, .summary tr, .summary tbody th, .summary td { display: block; }
  .summary { display: flex; flex-direction: column; }
  .summary caption { order: 1; }
  .summary thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .summary tbody tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0 20px; border-top: 1px solid var(--rule); padding: 14px 0 6px; }
  .summary tbody th { grid-column: 1 / -1; border: 0; padding: 0 0 8px; }
  .summary td { border: 0; padding: 0 0 14px; }
  .summary td::before { content: attr(data-column); display: block; color: var(--muted); font-size: 0.8rem; }
  .plain th, .plain td { padding-right: 12px; }
}
@media print { section { break-inside: avoid; } }
`;
