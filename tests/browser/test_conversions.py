"""What nbconvert makes of answers: a page, Markdown and, by Chromium, paper."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from tests.support.server import ScriptedServer, chat_chunk, chat_stream

from .conftest import SETUP, chromium
from .driver import ARGS
from .looks import wide
from .samples import MIXED
from .test_choices import ANSWERS, answers

LONG = """\
A long program:

```python
{functions}total = {total}
```

{header}
{rule}
{row}

![a picture](http://evil.test/beacon.png) <img src="http://evil.test/b.gif">

The end of the program.
""".format(
    functions="".join(f"def f{n}(x):\n    return x + {n}\n\n" for n in range(40)),
    total=" + ".join(f"some_name_{n}" for n in range(30)),
    header="".join(f"| Column {n} " for n in range(14)),
    rule="|---" * 14,
    row="".join(f"| value {n} " for n in range(14)),
)
SUFFIXES = {"html": ".html", "markdown": ".md", "notebook": ".ipynb", "webpdf": ".pdf"}

Convert = Callable[..., Path]


@pytest.fixture(scope="module")
def convert(tmp_path_factory: pytest.TempPathFactory) -> Convert:
    """Run ``nbconvert`` on a notebook with three answers; executed once, by nbconvert too."""
    folder = tmp_path_factory.mktemp("conversions")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    places = {"HOME": "home", "IPYTHONDIR": "ipython", "JUPYTER_CONFIG_DIR": "config"}
    environment = kept | {name: str(folder / place) for name, place in places.items()}

    def convert(to: str, *options: str, **more: str) -> Path:
        command = [sys.executable, "-m", "nbconvert", "--to", to, *options, "answers.ipynb"]
        subprocess.run(command, cwd=folder, env=environment | more, check=True, timeout=300)
        return folder / f"answers{SUFFIXES[to]}"

    cells = ["%%chat\nExplain.", "%%chat -n 3\nHow do I halve it?", "%%chat\nA long one."]
    with ScriptedServer() as model:
        role, *rest = chat_stream(MIXED)
        model.script(role, chat_chunk({"reasoning_content": "I think it over."}), *rest)
        steps, holds = answers(*ANSWERS)
        for hold in holds:
            hold.release()
        model.script(*steps)
        model.script(*chat_stream(LONG))
        sources = [SETUP.format(url=model.base_url), *cells]
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources]
        )
        nbformat.write(notebook, folder / "answers.ipynb")
        convert("notebook", "--execute", "--inplace")
    return convert


def words(text: str) -> str:
    """The letters and digits of a text: what stays, however lines are broken."""
    # A page of paper has ligatures.
    return re.sub(r"\W", "", unicodedata.normalize("NFKC", text))


def seen(page: Page) -> list[str]:
    """The text of the answers in a page but what is folded: paragraphs, items, lines of code."""
    texts = page.locator(".nbchat-body, .nbchat-footer").all_inner_texts()
    return [line for text in texts for line in text.split("\n") if line.strip()]


def test_paper_has_everything_and_nothing_scrolls(
    convert: Convert, browser: Browser, tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 720, "height": 960})  # letter paper, its margins
    page.route("**/*", lambda route: route.abort())
    page.set_content(convert("html").read_text())
    page.emulate_media(media="print")
    outputs = page.locator(".jp-OutputArea-child:has(.nbchat)").all()
    assert len(outputs) == 3
    assert [wide(output) for output in outputs] == [{"outside": [], "scrolling": []}] * 3
    choices = page.locator(".nbchat-choice")
    assert [choice.is_visible() for choice in choices.all()] == [True] * 3
    assert not page.get_by_role("radio").first.is_visible()
    tops = [choice.bounding_box()["y"] for choice in choices.all()]
    assert tops == sorted(set(tops)), "one below the other"
    lines = seen(page)
    assert len(lines) > 100
    page.close()

    with ScriptedServer() as proxy:
        arguments = (*ARGS, f"--proxy-server=127.0.0.1:{proxy.port}")
        options = [f"--WebPDFExporter.browser_args={argument}" for argument in arguments]
        made = convert("webpdf", *options, PLAYWRIGHT_BROWSERS_PATH=str(_browsers(tmp_path)))
        asked = {exchange.path for exchange in proxy.exchanges}
    paper = words("".join(sheet.extract_text() for sheet in PdfReader(made).pages))
    assert [line for line in lines if words(line) not in paper] == []
    # nbconvert's page wants MathJax and the like, Chromium its updates; answers want nothing.
    own = re.compile(r"\b(cdnjs\.cloudflare\.com|cdn\.jsdelivr\.net|google(apis)?\.com)[:/]")
    assert any("cdnjs" in address for address in asked), "the proxy was not used"
    assert [address for address in asked if not own.search(address)] == []


def test_the_markdown_keeps_the_answers_whole(convert: Convert) -> None:
    markdown = convert("markdown").read_text()
    tokens = MarkdownIt("commonmark", {"html": True}).parse(markdown)
    pages = [t.content for t in tokens if t.type == "html_block" and "nbchat-body" in t.content]
    assert len(pages) == 3
    assert all(page.rstrip().endswith("</div>") for page in pages)
    (program,) = re.findall("(?s)<pre><code[^>]*>(.*?)</code>", pages[2])
    code = html.unescape(re.sub("<[^>]*>", "", program))
    assert f"```python\n{code}```" in LONG
    assert "widget" not in markdown


def _browsers(folder: Path) -> Path:
    """Return a folder where Playwright finds the system's Chromium in the place of its own."""
    program = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as playwright: playwright.chromium.launch()"
    )
    environment = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(folder)}
    tried = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    missing = re.search(rf"{re.escape(str(folder))}\S+", tried.stderr)
    assert missing is not None, tried.stderr
    place = Path(missing[0])
    place.parent.mkdir(parents=True)
    place.symlink_to(chromium())
    return folder
