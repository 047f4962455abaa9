"""Imports go one way, and loading stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nbchat

ROOT = Path(nbchat.__file__).parent

# What each room may import, besides itself. A room of a line may import the lines above it.
BASE = {"errors", "interrupt", "messages", "reply", "shown"}
OPTIONS = BASE | {"options"}
SETTINGS = OPTIONS | {"settings"}
WIRE = SETTINGS | {"wire"}
PROVIDERS = WIRE | {"providers"}
CLIENT = PROVIDERS | {"client"}
LOCAL = CLIENT | {"local"}
CONVERSATION = BASE | {"conversation"}
ENGINE = LOCAL | CONVERSATION | {"journal", "exchange", "pricing", "prompt", "tools"}
SESSION = ENGINE | {"session"}
VIEW = BASE | {"render", "view"}
LINE = SETTINGS | {"prompt", "line"}
TOP = SESSION | VIEW | LINE

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "interrupt": set(),
    "messages": BASE,
    "reply": BASE,
    "shown": set(),
    "options": BASE,
    "settings": OPTIONS,
    "wire": SETTINGS,
    "providers": WIRE,
    "client": PROVIDERS,
    "local": CLIENT,
    "conversation": BASE,
    "prompt": BASE | {"options"},
    "tools": BASE | {"options", "prompt"},
    "journal": CONVERSATION,
    "exchange": CONVERSATION | WIRE,
    "pricing": CONVERSATION,
    "session": ENGINE,
    "render": set(),
    "view": VIEW,
    "line": LINE,
    "commands": TOP,
    "completion": TOP | {"commands"},
    "magics": TOP | {"commands", "completion"},
    "cli": TOP,
    "api": SESSION,
    "__init__": {"magics", "api", "reply", "errors"},
}


def rooms_imported(path: Path) -> set[str]:
    """Rooms of nbchat that a file imports at run time, wherever the import stands."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}: relative import"
                names = [child.module or ""]
                if child.module == "nbchat":
                    names = [f"nbchat.{alias.name}" for alias in child.names]
            else:
                visit(child)
                continue
            found.update(name.split(".")[1] for name in names if name.startswith("nbchat."))

    visit(ast.parse(path.read_text("utf-8")))
    return found - {"__version__"}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


FILES = sorted(path for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(path)
    assert room in ALLOWED, f"{room} is not in the plan of the house"
    assert rooms_imported(path) - {room} <= ALLOWED[room]


def test_httpx_is_imported_by_the_client_alone() -> None:
    importers = {
        room_of(path)
        for path in FILES
        if any(
            isinstance(node, (ast.Import, ast.ImportFrom))
            and "httpx" in (getattr(node, "module", "") or node.names[0].name)
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    }
    assert importers == {"client"}


def test_loading_imports_nothing_heavy() -> None:
    code = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "nbchat")
heavy = {"httpx", "pydantic", "ipywidgets", "markdown_it", "xllamacpp", "nbformat", "sqlite3"}
heavy.add("nbchat.messages")  # its many classes take as long as all else
print(sorted(heavy & (set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_exported_name_is_there_and_explains_itself() -> None:
    for name in nbchat.__all__:
        value = getattr(nbchat, name)
        assert value.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        nbchat.__getattr__("nothing")
