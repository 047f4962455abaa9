"""``%%chat``, ``%%respond`` and ``%nbchat``: parse, run, show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import needs_local_scope, no_var_expand

from nbchat import line as magic_line
from nbchat.completion import install_completion, remove_completion
from nbchat.errors import Interrupted, NbchatError
from nbchat.interrupt import StopSignal
from nbchat.line.names import COMMAND, ENDPOINTS, NAMES
from nbchat.settings import NbChat, lookup
from nbchat.shown import register_display

if TYPE_CHECKING:
    from nbchat.messages import Endpoint
    from nbchat.reply import Reply
    from nbchat.session import Session

_RAISED = (NbchatError, Interrupted)  # by nbchat itself
_KIND = {"%": "line", "%%": "cell"}  # IPython's words
_PLACES = [(sign, name) for name in NAMES for sign in _KIND]


class Extension:
    """What nbchat put into one IPython shell, so that it can be taken out again.

    The session outlives it: ``%reload_ext nbchat`` keeps the threads.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.settings = NbChat(parent=shell)
        self._used = False
        self._own: dict[str, Callable[..., Any]] = {
            **{name: self._magic(endpoint) for name, endpoint in ENDPOINTS.items()},
            COMMAND: self._command,
        }
        self._earlier: dict[tuple[str, str], Any] = {}
        self._shown: Reply | None = None
        self._failure: BaseException | None = None

    @property
    def session(self) -> Session:
        """The session, made at first use: what it imports is not needed to load."""
        from nbchat.session import shared

        self._used = True
        session = shared(self.settings)
        profile = getattr(self.shell, "profile_dir", None)
        session.folder = Path(profile.location) if profile is not None else None
        return session

    # --- In and out -------------------------------------------------------------------------

    def install(self) -> None:
        """Register the magics, the settings and the hooks."""
        table = self.shell.magics_manager.magics
        for sign, name in _PLACES:
            if name in table[_KIND[sign]]:
                self._earlier[sign, name] = table[_KIND[sign]][name]
        for name, function in self._own.items():
            self.shell.register_magic_function(function, magic_kind="line_cell", magic_name=name)
        if self._earlier:
            taken = [sign + name for sign, name in self._earlier]
            sys.stderr.write(
                f"nbchat takes {' and '.join(taken)} over from another extension; "
                "%unload_ext nbchat gives them back.\n"
            )
        self.shell.configurables.append(self.settings)
        register_display(_bundle)
        magic_line.install_question_mark(self.shell)
        magic_line.install_verbatim(self.shell)
        install_completion(self.shell, self.settings, lambda: self.session if self._used else None)
        self.shell.events.register("pre_run_cell", self._begin_cell)
        self._hook = self.shell.display_trap.hook
        self.shell.display_trap.hook = self._display

    def remove(self) -> None:
        """Take everything out again; the session is closed but keeps its threads."""
        table = self.shell.magics_manager.magics
        for sign, name in _PLACES:
            functions = table[_KIND[sign]]
            if functions.get(name) is not self._own[name]:
                continue  # another extension took it over
            del functions[name]
            if (sign, name) in self._earlier:
                functions[name] = self._earlier[sign, name]
        if self.settings in self.shell.configurables:
            self.shell.configurables.remove(self.settings)
        magic_line.remove_question_mark(self.shell)
        magic_line.remove_verbatim(self.shell)
        remove_completion(self.shell)
        self.shell.events.unregister("pre_run_cell", self._begin_cell)
        if self.shell.display_trap.hook == self._display:
            self.shell.display_trap.hook = self._hook
        if self._used:
            self.session.close()

    # --- The magics ---------------------------------------------------------------------------

    def _magic(self, endpoint: Endpoint) -> Callable[..., Reply | None]:
        @needs_local_scope
        @no_var_expand
        def magic(
            line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None
        ) -> Reply | None:
            with self._short_errors():
                return self._prompt(endpoint, line, cell, local_ns or {})

        magic.__doc__ = magic_line.help_text(endpoint)
        function: Callable[..., Reply | None] = magic
        return function

    def _prompt(
        self, endpoint: Endpoint, line: str, cell: str | None, local_ns: dict[str, Any]
    ) -> Reply | None:
        from nbchat import view

        namespaces = (local_ns, self.shell.user_ns)
        if cell is not None:
            cell = cell.removesuffix("\n")  # IPython's, not the user's
        try:
            options, text = magic_line.parse(line, cell, endpoint, namespaces=namespaces)
        except magic_line.HelpRequested as page:
            sys.stdout.write(f"{page}\n")
            return None
        session = self.session
        cell_id, execution = view.cell_ids(self.shell)
        plan = session.plan(
            text, options, endpoint, cell=cell_id, execution=execution, namespaces=namespaces
        )
        if options.dry_run or options.curl:
            sys.stdout.write(session.preview(plan) + "\n")
            return None
        stopped = StopSignal()
        display = lookup(self.settings, "display").value
        screen = view.choose(
            display,
            self.shell,
            stopped.set,
            choices=plan.options.n or 1,
            detached=options.bg,
        )

        def keep(reply: Reply) -> None:
            if options.out:
                self.shell.user_ns[options.out] = reply

        events = session.run(plan, stopped)
        if options.bg:
            rest = view.detach(events, screen, keep)
            session.jobs.start(plan.thread.name, text, stopped, rest)
            return None
        self._shown = reply = view.show(events, screen, keep)
        if options.code:
            self._offer(reply, options.code)
        return reply

    def _offer(self, reply: Reply, which: str) -> None:
        """Put code of the answer into a new cell below, or on the next prompt; it isn't run."""
        blocks = reply.code
        if which != "all":
            blocks = blocks[int(which) - 1 : int(which)]
        if not blocks:
            count = len(reply.code)
            missing = f"code block {which} (it has {count})" if count else "code block"
            sys.stdout.write(f"no new cell: the answer has no {missing}\n")
        else:
            self.shell.set_next_input("\n# ---\n".join(block.rstrip("\n") for block in blocks))

    @no_var_expand
    def _command(self, line: str, cell: str | None = None) -> Reply | None:
        """Show the state of nbchat, or run a subcommand; ``%nbchat help`` lists them.

        ``%%nbchat say assistant`` and ``%%nbchat edit TURN assistant`` take the cell as the text.
        """
        from nbchat.commands import Context, execute

        with self._short_errors():
            cell = None if cell is None else cell.removesuffix("\n")
            self._note_failure()  # this cell may have shown one itself
            said = execute(line, Context(self.session, self.shell, self._failure), cell)
            if not isinstance(said, str):
                return said
            sys.stdout.write(f"{said}\n" if said else "")
            return None

    def _begin_cell(self, info: object) -> None:
        self._shown = None  # what stands in the output of another cell
        self._note_failure()

    def _note_failure(self) -> None:
        """Remember the kernel's last exception, unless it says how nbchat itself was used.

        IPython keeps just one, and a mistyped ``%nbchat`` takes the place of the user's.
        """
        last = getattr(sys, "last_value", None)
        if last is not None and not isinstance(last, _RAISED):
            self._failure = last

    @contextmanager
    def _short_errors(self) -> Iterator[None]:
        try:
            yield
        except _RAISED as error:
            error.show_stack = self.settings.traceback
            raise

    def _display(self, result: Any = None) -> None:
        """Display a cell's result, but an answer only if it isn't on the screen already."""
        if result is None or result is not self._shown:
            self._hook(result)
            return
        self._shown = None
        hook = self.shell.displayhook
        hook.update_user_ns(result)
        hook.fill_exec_result(result)


def _bundle(reply: Reply) -> dict[str, Any]:
    """Show a reply as its answer was; the view is imported only when there is one to show."""
    from nbchat.view.permanent import bundle

    return bundle(reply)


_extensions: dict[int, Extension] = {}


def load(shell: Any) -> None:
    """Put nbchat into ``shell``; a second time changes nothing."""
    if id(shell) not in _extensions:
        _extensions[id(shell)] = Extension(shell)
        _extensions[id(shell)].install()


def unload(shell: Any) -> None:
    """Take nbchat out of ``shell``; the threads stay in memory for the next load."""
    extension = _extensions.pop(id(shell), None)
    if extension is not None:
        extension.remove()
