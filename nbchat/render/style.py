"""The style sheet of an answer, live and permanent.

It goes into the live view and into each saved output, because a saved notebook has nothing else
to rely on. So it is short, and gives every property that JupyterLab's own rules for outputs
(`.jp-RenderedHTMLCommon …`) or the widgets' (13 px type on 28 px lines) would otherwise make
different in the two places.

- Every rule is nested in `.nbchat`. The class is doubled to outrank JupyterLab's two-class rules;
  the colours of code are in `:where()`, to rank below a theme's. Of what is around an
  answer one thing alone is changed: that JupyterLab and nbconvert keep outputs on one page of
  paper, and so begin a new page for each long one.
- Colours come from the front end: JupyterLab's and Notebook's `--jp-*`, VS Code's `--vscode-*`,
  else translucent greys that suit light and dark.
- Blocks have space above them, none below. So the last block ends flush, and a live answer that is
  split over several elements keeps its rhythm: the second and later ones have the class
  `nbchat-next`, and their first block keeps its space.
"""

from __future__ import annotations

import re

_SOURCE = """
:where(.nbchat) {
  --nb-key: #cf222e; --nb-str: #0a3069; --nb-com: #6e7781; --nb-num: #0550ae; --nb-name: #8250df;
  --nb-link: #0969da;
}
@media (prefers-color-scheme: dark) {
  :where(.nbchat) {
    --nb-key: #ff7b72; --nb-str: #a5d6ff; --nb-com: #8b949e; --nb-num: #79c0ff; --nb-name: #d2a8ff;
    --nb-link: #58a6ff;
  }
}
.nbchat.nbchat {
  --nb-muted: var(--jp-content-font-color2, var(--vscode-descriptionForeground, var(--nb-com)));
  --nb-line: var(--jp-border-color2, #80808059);
  --nb-soft: var(--jp-cell-editor-background, rgba(128,128,128,.1));
  color: var(--jp-content-font-color1, var(--vscode-foreground, inherit));
  font: var(--jp-content-font-size1, 14px)/1.6 var(--jp-content-font-family,
    var(--vscode-font-family, system-ui, sans-serif));
  overflow-wrap: break-word; text-align: left; white-space: normal;

  /* prose */
  & :is(p,ul,ol,blockquote), & :is(.highlight,.nbchat-table,.nbchat-math) {
    margin: .75em 0 0;
  }
  & :is(h1,h2,h3,h4,h5,h6) { font-size: 1em; font-weight: 600; line-height: 1.3;
    margin: 1.4em 0 0; }
  & h1 { font-size: 1.5em } & h2 { font-size: 1.3em } & h3 { font-size: 1.13em }
  & :is(ul,ol) { padding-left: 1.7em }
  & ul { list-style: disc } & ol { list-style: decimal } & ul ul { list-style: circle }
  & li { margin: .25em 0 0 } & li :is(ul,ol) { margin: 0 }
  & li.nbchat-todo { list-style: none }
  & .nbchat-task { display: inline-block; margin-left: -1.4em; width: 1.4em }
  & blockquote { border-left: 3px solid var(--nb-line); color: var(--nb-muted); padding: 0 1em }
  & hr { background: none; border: 0; border-top: 1px solid var(--nb-line); margin: 1.5em 0 0 }
  & a, & .nbchat-link {
    color: var(--jp-content-link-color, var(--vscode-textLink-foreground, var(--nb-link)));
    text-decoration: none;
  }
  & .nbchat-refused { border-bottom: 1px dotted; cursor: help }
  & a:hover { text-decoration: underline }
  & img { height: auto; max-width: 100%; vertical-align: middle }
  & sup { font-size: .75em; line-height: 0 }
  & .nbchat-footnote { color: var(--nb-muted); font-size: .9em; margin: .75em 0 0 }
  & .nbchat-footnote sup + p { display: inline; margin-left: .3em }

  /* code, formulas, tables: too wide scrolls inside */
  & :is(code,pre) { background: none; border: 0; color: inherit; line-height: 1.5;
    font-family: var(--jp-code-font-family, var(--vscode-editor-font-family, monospace)) }
  & :not(pre)>code { background: var(--nb-soft); border-radius: 4px; font-size: .9em;
    padding: .1em .35em; white-space: break-spaces }
  & pre { font-size: var(--jp-code-font-size, 13px); margin: 0; overflow-x: auto;
    padding: .6em .9em; white-space: pre; word-break: normal;
    -webkit-user-select: all; user-select: all }
  & pre code { display: block; font-size: 1em; min-height: 1.5em; padding: 0; white-space: pre }
  & .highlight, & pre.nbchat-math { background: var(--nb-soft); border: 1px solid var(--nb-line);
    border-radius: 5px }
  & div.nbchat-math { overflow: auto hidden }
  & .nbchat-math mjx-container { margin: 0 }
  & mjx-container[display=true] { margin: .4em 0 }
  & .nbchat-table { container-type: inline-size; overflow-x: auto }
  @container (max-width: 420px) {
    & .nbchat-table table { width: max-content } & :is(th,td) { max-width: 16em }
  }
  & :is(table,thead) { border: 0; border-collapse: collapse; color: inherit; font-size: 1em;
    margin: 0; table-layout: auto }
  & tbody tr:nth-child(n) { background: none }
  & :is(th,td) { border: 0; border-bottom: 1px solid var(--nb-line); line-height: 1.5;
    padding: .35em 1.5em .35em 0; text-align: left; vertical-align: top }
  & th { font-weight: 600 }
  & tbody tr:last-child td { border: 0 }

  /* around the answer */
  & :is(.nbchat-reasoning,.nbchat-fold) { color: var(--nb-muted); font-size: .93em }
  & .nbchat-reasoning { margin: 0 0 .75em }
  & .nbchat-fold { margin: .75em 0 0 } & .nbchat-fold+.nbchat-fold { margin: .3em 0 0 }
  & summary { cursor: pointer }
  & :is(.nbchat-reasoning,.nbchat-fold)>div { border-left: 2px solid var(--nb-line);
    margin: .3em 0 0 .3em; padding-left: 1em }
  & .nbchat-notice { border-left: 3px solid var(--jp-warn-color1, #bf8700);
    font-size: .9em; margin: .75em 0 0; padding-left: .75em }
  & .nbchat-footer { color: var(--nb-muted); font-size: .8em; margin: .9em 0 0 }
  & :not(.nbchat-next)>:first-child, &:not(.nbchat-next)>:first-child { margin-top: 0 }

  /* on paper nothing scrolls: what is too wide is wrapped, and an answer fills its pages */
  @media print {
    & pre, & pre code { white-space: pre-wrap }
    & :is(pre,code), & table:has(th:nth-child(8)) { overflow-wrap: anywhere }
    & :is(th,td) { font-size: .9em; padding-right: .8em }
    & :is(pre,.nbchat-table,.nbchat-math) { overflow: visible }
    & .highlight { box-decoration-break: clone }
    & :is(h1,h2,h3,h4,h5,h6) { break-after: avoid }
    & :is(tr,img) { break-inside: avoid }
    & :is(.nbchat-notice,.nbchat-footer) { break-before: avoid }
  }
}

/* code colours for places without a theme for them */
:where(.nbchat .highlight) {
  & [class^=k] { color: var(--nb-key) }
  & [class^=s] { color: var(--nb-str) }
  & [class^=c] { color: var(--nb-com) }
  & [class^=m] { color: var(--nb-num) }
  & :where(.nf,.nc,.nb,.nd,.nt) {
    color: var(--jp-mirror-editor-attribute-color, var(--nb-name)) }
}
@media print { .jp-OutputArea-child:has(.nbchat) { break-inside: auto } }
"""


def _compact(source: str) -> str:
    """Return the style sheet without comments and without the space that CSS does not need."""
    text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", source))
    return re.sub(r";? ?([{};,>+]) ?|: ", lambda m: m[1] or ":", text).strip()


STYLE = _compact(_SOURCE)
"""CSS for a `<style>` element, about 4 kB."""
