"""The style of the page: light and dark as the reader's system is, and always light on paper."""

STYLE = """
:root { color-scheme: light dark; --page: #f3f5f6; --panel: #fff; --line: #d5dbde; --text: #17212b;
  --soft: #54616d; --track: #e3e8ea; --blue: #3a7fd5; --good: #1a7f46; --warn: #8a5a00; --bad: #b3261e;
  --plain: #54616d; }
@media (prefers-color-scheme: dark) { :root { --page: #10161b; --panel: #182128; --line: #33414b; --text: #e4eaee;
  --soft: #a3b1bc; --track: #2a3740; --blue: #5a9bea; --good: #6fd08f; --warn: #f0c06a; --bad: #ff9d94;
  --plain: #a3b1bc; } }
* { box-sizing: border-box; }
html { font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif;
  background: var(--page); color: var(--text); overflow-wrap: anywhere; }
body { max-width: 1000px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 4px; } h2 { font-size: 1.15rem; margin: 0 0 10px; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px;
  margin: 14px 0 0; }
p { margin: 0 0 10px; } .soft, figcaption { color: var(--soft); font-size: .9rem; }
ul { margin: 0; padding-left: 1.2em; } li { margin: 3px 0; }
.verdict { border-left: 6px solid var(--tone); } .verdict h2 { color: var(--tone); font-size: 1.25rem; }
.good { --tone: var(--good); } .warn { --tone: var(--warn); } .bad { --tone: var(--bad); }
.plain { --tone: var(--plain); }

.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; font-size: .85rem; }
.text { text-align: left; white-space: normal; min-width: 7em; }
tbody tr:last-child td { border-bottom: 0; }
.bar { position: relative; display: inline-block; width: 140px; height: 10px; border-radius: 5px;
  background: var(--track); vertical-align: middle; }
.bar i { position: absolute; top: 0; height: 10px; min-width: 2px; background: var(--blue); opacity: .45; }
.bar b { position: absolute; top: -2px; width: 3px; height: 14px; margin-left: -1px; background: var(--blue); }
figure { margin: 0 0 12px; }
figure svg { fill: currentColor; }
figure svg, figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figure img { background: #fff; border-radius: 6px; }
footer { margin-top: 18px; color: var(--soft); font-size: .85rem; }
@media print {
  :root { color-scheme: light; --page: #fff; --panel: #fff; --line: #c9d0d4; --text: #000; --soft: #444;
    --track: #e3e8ea; --blue: #2a68b5; --good: #1a7f46; --warn: #8a5a00; --bad: #b3261e; --plain: #444; }
  html { font-size: 10pt; } body { max-width: none; padding: 0; }
  section { border-radius: 0; border-width: 0; padding: 10px 0; }
  .verdict { border-left-width: 6px; padding-left: 12px; }
  .wide { overflow: visible; } h2 { break-after: avoid; } figure, tr, .verdict { break-inside: avoid; }
  thead { display: table-header-group; } * { print-color-adjust: exact; }
  @page { margin: 16mm 14mm; }
}
"""
