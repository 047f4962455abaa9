"""The command ``nbchat``: a first look at the magics, in one step.

``nbchat demo`` opens JupyterLab on the quickstart notebook; ``nbchat demo --execute PAGE.html``
runs that notebook without a browser and writes what it gave. Both ask the embedded model,
whatever keys and settings there are.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbchat
from nbchat import local
from nbchat.errors import ConfigurationError, NbchatError

NOTEBOOK = "quickstart.ipynb"
FOLDER = "nbchat-demo"

_CELL_SECONDS = 600  # for one answer; on a slow machine the model writes a few words a second


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, 1 for a failure, 2 for a wrong command line.

    Args:
        arguments: what follows ``nbchat`` on the command line; by default, that.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    cut = words.index("--") if "--" in words else len(words)
    parser, demo = _parsers()
    options = parser.parse_args(words[:cut])
    options.jupyter = words[cut + 1 :]
    if options.execute and (options.folder or options.jupyter):
        demo.error("--execute writes a page only: it takes no folder and no options of JupyterLab")
    try:
        _need("nbclient" if options.execute else "jupyterlab")
        if options.execute and not options.execute.parent.is_dir():
            folder = options.execute.parent
            raise ConfigurationError(f"{options.execute} can't be written: no folder {folder}")
        weights = _fetch()
        if options.execute:
            return _execute(options.execute, weights)
        return _open(Path(options.folder or FOLDER), weights, options.jupyter)
    except NbchatError as error:
        print(f"nbchat: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130  # as a shell reports SIGINT


def _parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(
        prog="nbchat",
        description="Language models in Jupyter notebooks. In a notebook: %load_ext nbchat",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"nbchat {nbchat.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="open the quickstart notebook in JupyterLab",
        usage="nbchat demo [FOLDER] [-- OPTIONS OF JUPYTERLAB]\n"
        "       nbchat demo --execute PAGE.html",
        description="Fetch the embedded model (98 MB, once) and open the quickstart notebook in "
        "JupyterLab. It needs no key, and no network once the model is there.",
        allow_abbrev=False,
    )
    demo.add_argument(
        "folder",
        nargs="?",
        metavar="FOLDER",
        help=f"where the notebook is put; a notebook that is there stays (default: {FOLDER})",
    )
    demo.add_argument(
        "--execute",
        type=Path,
        metavar="PAGE.html",
        help="run the notebook without a browser and write the page instead",
    )
    return parser, demo


# --- What the demo needs


def _need(front: str) -> None:
    """Check that the front end ``front``, the kernel and the embedded model's server are there."""
    needed = (front, "nbconvert", "ipykernel", "xllamacpp")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"the demo needs {', '.join(missing)}, not installed in {sys.prefix}\n"
            'Install it with: pip install "nbchat[demo]"'
        )


def _fetch() -> Path:
    """Return the weights, and tell the terminal how the download goes, if there is one."""
    told = ""

    def tell(step: local.Progress) -> None:
        nonlocal told
        if step.stage == "downloading":
            line = f"Downloading the model ({step.total / 1e6:.0f} MB)"
            if sys.stderr.isatty():
                line += f": {step.received / step.total:4.0%}"
        elif step.stage == "checking":
            line = "Checking the model"
        else:
            line = "Waiting for another process that downloads the model"
        if line != told:
            # The same stage goes on in its line.
            start = "\r" if told[:20] == line[:20] else "\n" * bool(told)
            print(start + line, end="", file=sys.stderr, flush=True)
            told = line

    try:
        return local.weights.fetch(progress=tell)
    finally:
        if told:
            print(file=sys.stderr)


def _quickstart() -> Path:
    """Return the notebook: beside the package in a wheel, else in the source tree."""
    package = Path(nbchat.__file__).parent
    for folder in (package, package.parent):
        file = folder / "notebooks" / NOTEBOOK
        if file.is_file():
            return file
    raise ConfigurationError(f"this installation of nbchat lacks its notebook {NOTEBOOK}")


@contextlib.contextmanager
def _kernelspec(weights: Path, **more: object) -> Iterator[Path]:
    """Give a folder of Jupyter data whose kernel ``python3`` is this Python, asking this model.

    The kernelspec that is installed may belong to another environment, or there may be none. The
    settings, ``more`` among them, come with the kernel's command line, which goes before every
    configuration file.
    """
    settings = {"provider": "local", "local_model": weights, **more}
    spec = {
        "argv": [
            *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
            *(f"--NbChat.{name}={value}" for name, value in settings.items()),
        ],
        "display_name": "Python 3 (nbchat demo)",
        "language": "python",
    }
    with tempfile.TemporaryDirectory(prefix="nbchat-") as folder:
        kernel = Path(folder, "kernels", "python3")
        kernel.mkdir(parents=True)
        (kernel / "kernel.json").write_text(json.dumps(spec), "utf-8")
        yield Path(folder)


# --- Open it


def _open(folder: Path, weights: Path, options: Sequence[str]) -> int:
    source = _quickstart()
    notebook = folder.resolve() / NOTEBOOK
    try:
        notebook.parent.mkdir(parents=True, exist_ok=True)
        if not notebook.exists():
            notebook.write_bytes(source.read_bytes())
        elif notebook.read_bytes() != source.read_bytes():
            print(f"{notebook} is there already and stays as it is.", file=sys.stderr)
    except OSError as error:
        raise ConfigurationError(
            f"{notebook} can't be written: {error.strerror}\nName a folder: nbchat demo FOLDER"
        ) from error
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={notebook.parent}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container there is often no other user
    with _kernelspec(weights) as data:
        path = os.pathsep.join([str(data), *filter(None, [os.environ.get("JUPYTER_PATH")])])
        environment = os.environ | {"JUPYTER_PATH": path}
        print(f"Opening {notebook} in JupyterLab; Ctrl+C here ends it.", file=sys.stderr)
        return _run([*command, *options, str(notebook)], environment)


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run JupyterLab to its end; Ctrl+C is its own to answer, and it asks back."""
    process = subprocess.Popen(command, env=environment)
    earlier = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return 1 if process.wait() else 0
    finally:
        signal.signal(signal.SIGTERM, earlier)


# --- Run it without a browser


def _execute(page: Path, weights: Path) -> int:
    print("Running the quickstart notebook; this can take a minute.", file=sys.stderr)
    with _kernelspec(weights, journal=False) as data:
        notebook = _answered(data)
    from nbconvert import HTMLExporter

    html, _ = HTMLExporter().from_notebook_node(
        notebook, resources={"metadata": {"name": "nbchat quickstart"}}
    )
    try:
        page.write_text(html, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{page} can't be written: {error.strerror}") from error
    print(f"Wrote {page}", file=sys.stderr)
    return 0


def _answered(data: Path) -> Any:
    """Return the notebook with its outputs."""
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.read(_quickstart(), as_version=4)
    specs = KernelSpecManager(kernel_dirs=[str(data / "kernels")])
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)
    # In a folder of its own: neither a project's pyproject.toml nor its modules get in the way.
    resources = {"metadata": {"path": str(data)}}
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=_CELL_SECONDS,
        resources=resources,
        # ipykernel 7.4 warns at each start that it talks over loopback without encryption.
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        return client.execute(cleanup_kc=True)
    except CellExecutionError as error:
        raise ConfigurationError(f"the notebook failed: {error.ename}: {error.evalue}") from error
    except (CellTimeoutError, DeadKernelError, RuntimeError) as error:
        raise ConfigurationError(f"the notebook failed: {error}") from error
