"""The command ``nbchat``: what it writes, opens and says. The answers: tests/notebooks."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nbchat import __version__
from nbchat.cli import main
from tests.support.command import CANARY, command, hostile, nbchat

QUICKSTART = Path(__file__).parents[1] / "notebooks" / "quickstart.ipynb"
PATIENCE = 60.0  # seconds; a first start of JupyterLab compiles hundreds of modules


def test_it_says_its_version(tmp_path: Path) -> None:
    done = nbchat("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"nbchat {__version__}\n")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "required: COMMAND"),
        ("demon", "invalid choice: 'demon'"),
        ("demo --exec q.html", "unrecognized arguments"),
        ("demo folder --execute q.html", "takes no folder"),
        ("demo --execute q.html -- --no-browser", "no options of JupyterLab"),
    ],
)
def test_a_wrong_command_line_is_told_and_ends_2(words: str, reason: str, tmp_path: Path) -> None:
    done = nbchat(*words.split(), cwd=tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "module"), [(["demo"], "jupyterlab"), (["demo", "--execute", "q.html"], "nbclient")]
)
def test_what_is_not_installed_is_named(
    words: list[str],
    module: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert main(words) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"nbchat: the demo needs {module}, not installed in {sys.prefix}"
    assert second == 'Install it with: pip install "nbchat[demo]"'


def test_a_page_that_can_not_be_written_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    page = Path("missing", "q.html")
    env = {"NBCHAT_CACHE_DIR": str(cache)}
    done = nbchat("demo", "--execute", page, cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert done.stderr == f"nbchat: {page} can't be written: no folder missing\n"
    assert not cache.exists()


def test_a_download_that_fails_is_told_in_three_lines(tmp_path: Path) -> None:
    env = {
        "NBCHAT_CACHE_DIR": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
    }
    done = nbchat("demo", "--execute", "q.html", cwd=tmp_path, env=env)
    assert done.returncode == 1
    progress, *lines = done.stderr.splitlines()
    assert progress == "Downloading the model (93 MB)"
    assert 1 <= len(lines) <= 3
    assert lines[0].startswith("nbchat: the embedded model's weights")
    assert not (tmp_path / "q.html").exists()


@pytest.mark.usefixtures("weights")
def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    done = nbchat("demo", "taken", cwd=tmp_path)
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first.startswith(
        f"nbchat: {tmp_path.resolve() / 'taken' / 'quickstart.ipynb'} can't be"
    )
    assert second == "Name a folder: nbchat demo FOLDER"


# --- JupyterLab, for real


class Lab:
    """JupyterLab as ``nbchat demo`` has started it."""

    def __init__(self, process: subprocess.Popen[str], runtime: Path) -> None:
        self.process = process
        self._runtime = runtime

    def api(self, path: str) -> Any:
        """Ask the server's REST interface; wait for the server to come up first."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            # The file with the address is there a moment before the server listens.
            with contextlib.suppress(StopIteration, ValueError, urllib.error.URLError):
                info = json.loads(next(self._runtime.glob("jpserver-*.json")).read_text())
                header = {"Authorization": f"token {info['token']}"}
                address = f"http://127.0.0.1:{info['port']}/{path}"
                with urllib.request.urlopen(urllib.request.Request(address, headers=header)) as a:
                    return json.load(a)
            time.sleep(0.1)
        raise AssertionError(f"JupyterLab did not answer; exit code {self.process.poll()}")


@contextlib.contextmanager
def demo(*words: str, cwd: Path, env: dict[str, str]) -> Iterator[Lab]:
    runtime = cwd / "runtime"
    quiet = ["--no-browser", "--ip=127.0.0.1", "--port=0"]
    process = subprocess.Popen(
        [command(), "demo", *words, "--", *quiet],
        cwd=cwd,
        env={**os.environ, **env, "JUPYTER_RUNTIME_DIR": str(runtime), "TMPDIR": str(cwd / "tmp")},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Lab(process, runtime)
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.skipif(os.name != "posix", reason="ends the command by SIGTERM")
@pytest.mark.usefixtures("weights")
def test_it_opens_the_notebook_with_this_python_and_the_embedded_model(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with demo(cwd=tmp_path, env=hostile(tmp_path)) as lab:
        assert lab.api("api/contents/quickstart.ipynb")["type"] == "notebook"
        spec = lab.api("api/kernelspecs")["kernelspecs"]["python3"]["spec"]
    assert spec["argv"][:3] == [sys.executable, "-m", "ipykernel_launcher"]
    assert "--NbChat.provider=local" in spec["argv"]
    assert CANARY not in json.dumps(spec)
    written = tmp_path / "nbchat-demo" / "quickstart.ipynb"
    assert written.read_bytes() == QUICKSTART.read_bytes()
    # JupyterLab was ended with the command, and the kernelspec went with it.
    assert not list((tmp_path / "runtime").glob("jpserver-*.json"))
    assert not list((tmp_path / "tmp").glob("nbchat-*"))


@pytest.mark.skipif(os.name != "posix", reason="ends the command by SIGTERM")
@pytest.mark.usefixtures("weights")
def test_a_notebook_that_was_changed_stays(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    changed = QUICKSTART.read_text("utf-8").replace("France", "Norway")
    mine = tmp_path / "mine" / "quickstart.ipynb"
    mine.parent.mkdir()
    mine.write_text(changed, "utf-8")
    with demo("mine", cwd=tmp_path, env={}) as lab:
        assert "Norway" in json.dumps(lab.api("api/contents/quickstart.ipynb"))
        assert lab.process.stderr is not None
        assert lab.process.stderr.readline() == f"{mine} is there already and stays as it is.\n"
    assert mine.read_text("utf-8") == changed
