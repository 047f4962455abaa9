"""Tables and arrays in a prompt."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from nbchat.prompt import fill
from nbchat.prompt.tables import COLUMNS, ROWS


def filled(value: Any) -> str:
    return fill("{{ v }}", [{"v": value}]).text


SMALL = "| a | b |\n| --- | --- |\n| 1 | x \\| y |\n| 2 | 0.3 |"


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_small_table_is_whole(library: Any) -> None:
    frame = library.DataFrame({"a": [1, 2], "b": ["x | y", "0.3"]})
    assert filled(frame) == SMALL


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_large_table_is_shortened_and_its_shape_said(library: Any) -> None:
    frame = library.DataFrame({f"c{column}": range(1000) for column in range(50)})
    lines = filled(frame).splitlines()
    assert lines[-1] == "(1000 rows × 50 columns; … stands for the rest)"
    table = lines[:-2]
    assert len(table) == 2 + ROWS + 1
    assert {line.count("|") for line in table} == {COLUMNS + 2}
    assert "| c9 | … | c40 |" in table[0]
    assert table[2].startswith("| 0 |")
    assert table[2 + ROWS // 2].startswith("| … |")
    assert table[-1].startswith("| 999 |")


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_a_series(library: Any) -> None:
    assert filled(library.Series([1.5, 2.0])) == "| value |\n| --- |\n| 1.5 |\n| 2 |"
    assert filled(
        library.Series([1, 2], name="n") if library is pd else pl.Series("n", [1, 2])
    ) == ("| n |\n| --- |\n| 1 |\n| 2 |")


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_an_empty_table_says_its_shape(library: Any) -> None:
    assert filled(library.DataFrame({"a": []})) == "| a |\n| --- |\n\n(0 rows × 1 columns)"
    assert filled(library.DataFrame()) == "(0 rows × 0 columns)"


def test_an_index_is_shown_if_it_says_something() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["a", "b"], name="key"))
    assert filled(frame).splitlines()[0] == "| key | n |"
    assert filled(frame).splitlines()[2] == "| a | 1 |"
    grouped = pd.DataFrame(
        {("m", "x"): [1], ("m", "y"): [2.0]},
        index=pd.MultiIndex.from_tuples([("a", 1)], names=["k", None]),
    )
    assert filled(grouped).splitlines()[0] == "| k |  | m / x | m / y |"
    assert filled(grouped).splitlines()[2] == "| a | 1 | 1 | 2 |"


def test_cells_stay_on_one_line_and_short() -> None:
    frame = pd.DataFrame({"a": ["two\nlines", "x" * 500, None, pd.NaT]})
    rows = filled(frame).splitlines()[2:]
    assert rows[0] == "| two lines |"
    assert len(rows[1]) < 210
    assert len(rows) == 4


def test_a_table_with_equal_names() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert filled(frame) == "| a | a |\n| --- | --- |\n| 1 | 2 |"


def test_arrays() -> None:
    assert filled(np.array([[1, 2], [3, 4]])) == "| 0 | 1 |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"
    assert filled(np.array(3.5)) == "3.5"
    vector = filled(np.arange(1000))
    assert vector.startswith("Array of 1000, int64:\n\n```\n[  0,   1,   2, ...")
    assert filled(np.zeros((2, 0))).startswith("Array of 2 × 0, float64")
    assert filled(np.zeros((4, 4, 4))).startswith("Array of 4 × 4 × 4, float64")
    assert filled(np.zeros((500, 3))).endswith("(500 rows × 3 columns; … stands for the rest)")


def test_a_format_goes_to_the_value() -> None:
    assert fill("{{ v!r }}", [{"v": pd.DataFrame({"a": [1]})}]).text == "   a\n0  1"


def test_no_library_is_imported_for_it() -> None:
    code = """
import sys
from nbchat.prompt import fill
fill("{{ [1] }}", [])
print(sorted({"pandas", "polars", "numpy", "PIL", "matplotlib", "pydantic"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
