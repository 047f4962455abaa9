"""Tables and arrays as Markdown, shortened with their shape said.

pandas, polars and NumPy are looked for among the modules that are loaded: a value of theirs can't
exist before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["CELL", "COLUMNS", "ROWS", "markdown_of"]

ROWS = 40
"""Rows that are shown of a longer table, half of them from its end."""
COLUMNS = 20
"""Columns that are shown of a wider table, half of them from its end."""
CELL = 200
"""Characters that are shown of a cell."""

_GAP = "…"
_Positions = Sequence["int | None"]  # None is where some are left out


def markdown_of(value: object) -> str | None:
    """Return a table or an array as Markdown, ``None`` if the value is neither."""
    pandas, polars, numpy = (sys.modules.get(name) for name in ("pandas", "polars", "numpy"))
    if _is_a(value, pandas, "DataFrame"):
        return _of_pandas(value)
    if _is_a(value, pandas, "Series"):
        series: Any = value
        return _of_pandas(series.to_frame("value" if series.name is None else series.name))
    if _is_a(value, polars, "DataFrame"):
        return _of_polars(value)
    if _is_a(value, polars, "Series"):
        named: Any = value
        return _of_polars(named.to_frame(named.name or "value"))
    if _is_a(value, numpy, "ndarray"):
        return _of_array(value, numpy)
    return None


def _is_a(value: object, module: Any, name: str) -> bool:
    kind = getattr(module, name, None)  # a module that is just being loaded may lack it
    return isinstance(kind, type) and isinstance(value, kind)


def _of_pandas(frame: Any) -> str:
    rows, columns = _ends(len(frame), ROWS), _ends(frame.shape[1], COLUMNS)
    part = frame.iloc[_shown(rows), _shown(columns)]
    header = _spread([_title(name) for name in part.columns], columns)
    lines = [_spread(line, columns) for line in part.itertuples(index=False, name=None)]
    index = frame.index
    if not _is_counting(index):
        header = [*("" if name is None else _title(name) for name in index.names), *header]
        keys = [key if index.nlevels > 1 else (key,) for key in part.index]
        lines = [[*key, *line] for key, line in zip(keys, lines, strict=True)]
    return _table(header, lines, rows, frame.shape, columns)


def _is_counting(index: Any) -> bool:
    """Whether an index is the default one, which only counts the rows."""
    return (
        type(index).__name__ == "RangeIndex"
        and (index.start, index.step) == (0, 1)
        and index.name is None
    )


def _title(name: object) -> object:
    return " / ".join(map(str, name)) if isinstance(name, tuple) else name


def _of_polars(frame: Any) -> str:
    rows, columns = _ends(frame.height, ROWS), _ends(frame.width, COLUMNS)
    names = [frame.columns[place] for place in _shown(columns)]
    part = frame.select(names)[_shown(rows)] if names else frame
    lines = [_spread(line, columns) for line in part.rows()]
    return _table(_spread(names, columns), lines, rows, frame.shape, columns)


def _of_array(array: Any, numpy: Any) -> str:
    shape = tuple(array.shape)
    if not shape:
        return str(array[()])
    if len(shape) != 2 or array.dtype.names or not all(shape):
        text = numpy.array2string(array, threshold=ROWS, edgeitems=3, separator=", ")
        sizes = " × ".join(map(str, shape))
        return f"Array of {sizes}, {array.dtype}:\n\n```\n{text}\n```"
    rows, columns = _ends(shape[0], ROWS), _ends(shape[1], COLUMNS)
    part = array[_shown(rows)][:, _shown(columns)].tolist()
    lines = [_spread(line, columns) for line in part]
    return _table(_spread(_shown(columns), columns), lines, rows, shape, columns)


# --- Markdown -----------------------------------------------------------------------------------


def _ends(count: int, most: int) -> _Positions:
    """Return which of ``count`` rows are shown.

    >>> _ends(3, 4), _ends(9, 4)
    ([0, 1, 2], [0, 1, None, 7, 8])
    """
    if count <= most:
        return list(range(count))
    half = most // 2
    return [*range(half), None, *range(count - half, count)]


def _shown(positions: _Positions) -> list[int]:
    return [place for place in positions if place is not None]


def _spread(items: Iterable[object], positions: _Positions) -> list[object]:
    items = iter(items)
    return [_GAP if place is None else next(items) for place in positions]


def _table(
    header: list[object],
    lines: list[list[object]],
    rows: _Positions,
    shape: Sequence[int],
    columns: _Positions,
) -> str:
    """Return a Markdown table; its shape follows where not all of it is shown, or it is empty."""
    width = len(header)
    body = iter(lines)
    gap: list[object] = [_GAP] * width
    rule: list[object] = ["---"] * width
    spread = [gap if place is None else next(body) for place in rows]
    table = [header, rule, *spread] if width else []
    text = "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in table)
    left_out = None in rows or None in columns
    if left_out or not all(shape):
        said = f"{shape[0]} rows × {shape[1]} columns"
        said += f"; {_GAP} stands for the rest" if left_out else ""
        text = f"{text}\n\n({said})" if text else f"({said})"
    return text


def _cell(value: object) -> str:
    text = format(value, ".12g") if isinstance(value, float) else str(value)
    text = " ".join(text.split("\n"))
    if len(text) > CELL:
        text = f"{text[: CELL - 1]}…"
    return text.replace("|", "\\|")
