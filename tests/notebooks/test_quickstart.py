"""The quickstart notebook on the embedded model, run by ``nbchat demo --execute``.

What it shows is compared with what the model's server says to plain HTTP requests.
"""

from __future__ import annotations

import html
import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from markdown_it import MarkdownIt

from nbchat.local import LocalServer, server
from tests.support.command import CANARY, hostile, nbchat

pytestmark = [pytest.mark.kernel, pytest.mark.model]

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"
MODEL = "smollm2-135m-instruct"


@dataclass(frozen=True)
class Asked:
    """What a cell of the notebook asks, in the words of the protocols."""

    prompt: str
    thread: str = "main"
    endpoint: str = "chat"
    system: str = ""
    limit: int | None = None


ASKED = [
    Asked("Name the capital of France."),
    Asked("And of Italy?"),
    Asked("Give three reasons to learn Python, as a short list.", "python", limit=150),
    Asked("And of Japan?", endpoint="responses"),
    Asked("Who are you?", "pirate", system="You are a cheerful pirate.", limit=60),
    Asked("Write a Python function that adds two numbers.", "python", limit=60),
]


@dataclass(frozen=True)
class Answer:
    """An answer: its words, and the tokens that were read and written."""

    words: list[str]
    read: int
    written: int


# --- The page


class Page(HTMLParser):
    """Collects the text of every answer and every footer on a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.bodies: list[str] = []
        self.footers: list[str] = []
        self._into: list[str] | None = None
        self._depth = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "div":
            return
        classes = (dict(attrs).get("class") or "").split()
        for name, texts in (("nbchat-body", self.bodies), ("nbchat-footer", self.footers)):
            if name in classes:
                texts.append("")
                self._into, self._depth = texts, 0
        self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self._depth -= 1
            if self._depth == 0:
                self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data


@pytest.fixture(scope="module")
def page(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page that the command writes, in an environment that leads astray."""
    folder = tmp_path_factory.mktemp("demo")
    done = nbchat("demo", "--execute", "q.html", cwd=folder, env=hostile(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    written = (folder / "q.html").read_text("utf-8")
    assert CANARY not in written + done.stderr
    assert not list(folder.rglob("*.sqlite"))  # no journal: nobody wants this thread back
    return written


@pytest.fixture(scope="module")
def shown(page: str) -> list[Answer]:
    found = Page(page)
    answers = []
    for body, footer in zip(found.bodies, found.footers, strict=True):
        facts = re.match(rf"{MODEL} · (\d+) in, (\d+) out · ", footer)
        assert facts, footer
        answers.append(Answer(body.split(), int(facts[1]), int(facts[2])))
    return answers


# --- The same, asked without nbchat


@pytest.fixture(scope="module")
def model(weights: Path) -> Iterator[LocalServer]:
    started = server.start(weights)
    yield started
    server.stop()


def post(model: LocalServer, path: str, body: dict[str, Any]) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {model.key.reveal()}",
    }
    data = json.dumps({"model": MODEL, "temperature": 0, **body}).encode()
    with opener.open(urllib.request.Request(model.base_url + path, data, headers)) as answer:
        return json.load(answer)


def ask(model: LocalServer, asked: Asked, history: list[tuple[str, str]]) -> tuple[str, int, int]:
    """Return the answer's text and the tokens read and written."""
    said = [("system", asked.system)] if asked.system else []
    for prompt, reply in history:
        said += [("user", prompt), ("assistant", reply)]
    messages = [{"role": role, "content": text} for role, text in [*said, ("user", asked.prompt)]]
    if asked.endpoint == "responses":
        items = [{"type": "message", **message} for message in messages]
        answer = post(model, "/responses", {"input": items})
        usage = answer["usage"]
        (message,) = answer["output"]
        return message["content"][0]["text"], usage["input_tokens"], usage["output_tokens"]
    limit = {} if asked.limit is None else {"max_tokens": asked.limit}
    answer = post(model, "/chat/completions", {"messages": messages, **limit})
    usage = answer["usage"]
    text = answer["choices"][0]["message"]["content"]
    return text, usage["prompt_tokens"], usage["completion_tokens"]


def words(markdown: str) -> list[str]:
    """Return the words that a reader of the Markdown sees, by a renderer that is not nbchat's."""
    rendered = MarkdownIt("commonmark", {"html": False}).render(markdown)
    return html.unescape(re.sub(r"<[^>]+>", "", rendered)).split()


@pytest.fixture(scope="module")
def direct(model: LocalServer) -> list[Answer]:
    threads: dict[str, list[tuple[str, str]]] = {}
    answers = []
    for asked in ASKED:
        history = threads.setdefault(asked.thread, [])
        text, read, written = ask(model, asked, history)
        history.append((asked.prompt, text))
        answers.append(Answer(words(text), read, written))
    return answers


# --- What must hold


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = nbformat.read(QUICKSTART, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def test_these_are_the_questions_of_the_notebook() -> None:
    cells = [cell.source for cell in nbformat.read(QUICKSTART, as_version=4).cells]
    asking = [source for source in cells if source.startswith(("%%chat", "%%respond"))]
    assert [source.partition("\n")[2] for source in asking] == [asked.prompt for asked in ASKED]


def test_the_answers_are_the_models(shown: list[Answer], direct: list[Answer]) -> None:
    assert shown == direct


def test_a_later_turn_reads_the_earlier_ones(shown: list[Answer]) -> None:
    first, second, python, third, _, python_again = shown
    assert second.read > first.read + first.written
    assert third.read > second.read + second.written
    assert python_again.read > python.read + python.written
    assert python.read < second.read + second.written  # another thread begins afresh


def test_what_the_text_beside_the_cells_promises(page: str, shown: list[Answer]) -> None:
    assert [answer.words[-1] for answer in (shown[0], shown[1], shown[3])] == [
        "Paris.",
        "Rome.",
        "Tokyo.",
    ]
    assert "cut at the token limit" in Page(page).footers[4]
    assert "def add" in page
    assert "Error" not in re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL)
