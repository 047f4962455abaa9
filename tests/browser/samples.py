"""What the scripted server says, and how it is paced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from playwright.sync_api import Page

from tests.support.server import Hold, Step, chat_stream

MIXED = r"""## How far a sample mean strays

The *standard error* of a mean is $s/\sqrt{n}$: it falls with the **square root** of the sample
size, so that four times the data halve it. See [the handbook](https://example.org/handbook).

1. Draw `n` values.
2. Take their mean.
   - Again and again.
   - The spread of those means is the standard error.

| Sample size | Standard error | Half-width of the 95 % interval | Relative to n = 25 | Remark |
|------------:|---------------:|--------------------------------:|-------------------:|:-------|
| 25          | 2.00           | 4.13                            | 1                  | small  |
| 100         | 1.00           | 1.98                            | 0.48               | usual  |
| 400         | 0.50           | 0.98                            | 0.24               | large  |

```python
import numpy as np

def standard_error(values: np.ndarray) -> float:
    # ddof=1: the mean was estimated from the same values, which costs one degree of freedom
    return values.std(ddof=1) / np.sqrt(len(values))
```

> A standard error says how well the mean is known, not how much single values differ.

\[ \mathrm{SE} = \sqrt{\frac{1}{n(n-1)} \sum_{i=1}^{n} (x_i - \bar x)^2} \]

Only more data make it smaller.
"""

LAST = "Only more data make it smaller."


def pieces(text: str, size: int = 6) -> list[str]:
    """Cut ``text`` into deltas as a model sends them."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def held(*frames: Sequence[bytes]) -> tuple[list[Step], list[Hold]]:
    """Return the steps of an answer that waits after each group of frames, and its holds."""
    holds = [Hold() for _ in frames]
    steps = [step for group, hold in zip(frames, holds, strict=True) for step in (*group, hold)]
    return steps, holds


def paced(text: str, deltas: int = 12) -> tuple[list[Step], list[Hold]]:
    """Return the steps of an answer that waits after so many deltas, and its holds.

    The last hold is between the text and the end of the answer.
    """
    *frames, finish, usage, done = chat_stream(*pieces(text))
    steps, holds = held(*(frames[at : at + deltas] for at in range(0, len(frames), deltas)))
    return [*steps, finish, usage, done], holds


def go_on(page: Page, holds: Iterable[Hold], pause: float) -> None:
    """Release each hold when the page has had so many milliseconds to show what came before."""
    for hold in holds:
        assert hold.reached.wait(20)
        page.wait_for_timeout(pause)
        hold.release()
