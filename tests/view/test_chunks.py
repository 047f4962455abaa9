"""How a long block is cut into the parts that widgets show one by one."""

from __future__ import annotations

import itertools
import re

import pytest

from nbchat.render import render_markdown
from nbchat.view.chunks import CHUNK, parts

CODE = "".join(f"def f{n}(x):\n    return 'x < {n}'\n" for n in range(90))
ITEM = "{}. item\n    - inner\n\n    ```\n    code\n    ```\n"
ITEMS = "".join(ITEM.format(n) for n in range(10, 90))
LONG = {
    "code": render_markdown(f"```python\n{CODE}"),
    "list": render_markdown(ITEMS),
    "bullets": render_markdown(re.sub(r"(?m)^\d+\.", "-", ITEMS)),
}
SEAM = re.compile(
    r'</code></pre></div>\n<div class="highlight nbchat-above[^"]*"><pre><code[^>]*>'
    r'|</([ou]l)>\n<\1 class="nbchat-above[^>]*>\n'
)


@pytest.mark.parametrize("kind", LONG)
@pytest.mark.parametrize("after", ["", "<p>and</p>\n"])
def test_parts_make_up_the_block(kind: str, after: str) -> None:
    html = LONG[kind]
    split = parts(html + after)
    if after:
        assert split.pop() == after
    assert len(split) > 4
    assert all(len(part) > CHUNK for part in split[:-1])
    below = re.compile(r' class="nbchat-below"|[ ]nbchat-below')
    assert [bool(below.search(part)) for part in split] == [True] * (len(split) - 1) + [False]
    assert below.sub("", SEAM.sub("", "".join(split))) == html


@pytest.mark.parametrize("kind", LONG)
def test_a_part_stays_whatever_follows(kind: str) -> None:
    whole = parts(LONG[kind])
    shorter = render_markdown(f"```python\n{CODE[:-900]}" if kind == "code" else ITEMS[:-300])
    if kind == "bullets":
        shorter = render_markdown(re.sub(r"(?m)^\d+\.", "-", ITEMS[:-300]))
    split = parts(shorter)
    assert len(split) > 3
    assert split[:-1] == whole[: len(split) - 1]


def test_the_numbers_of_a_list_go_on() -> None:
    split = parts(LONG["list"])
    counts = itertools.accumulate((part.count("<p>item") for part in split), initial=10)
    assert re.findall(r'<ol[^>]* start="(\d+)"', "".join(split)) == [
        str(count) for count, _ in zip(counts, split, strict=False)
    ]


@pytest.mark.parametrize("html", ["", "<p>a</p>\n", render_markdown("> ```\n> b\n> ```\n")])
def test_other_blocks_stay_whole(html: str) -> None:
    assert parts(html) == [html]
