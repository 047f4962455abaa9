"""The journal: nothing is lost, and nothing that goes wrong with its file holds a prompt."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings

from nbchat.conversation import Conversation, Turn, begins
from nbchat.errors import UsageError
from nbchat.journal import Journal
from nbchat.messages import Idle, Message, TextDelta
from tests.support.threads import plain, threads

Opened = Callable[..., Journal]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profile" / "nbchat.sqlite"


@pytest.fixture
def opened(path: Path) -> Iterator[Opened]:
    """Opens journals as kernels do, and closes them at the end."""
    journals = []

    def open_(
        where: str | Path | None = None, notebook: str = "n.ipynb", **given: float
    ) -> Journal:
        journals.append(Journal(where or path, notebook, **given))
        return journals[-1]

    yield open_
    for journal in journals:
        journal.close(5)


def ask(journal: Journal, thread: Conversation, prompt: str, *answer: str) -> Turn:
    """Ask and note what a session notes; without pieces of an answer, it stays on its way."""
    turn = thread.open(Turn((Message.of("user", prompt),), "chat"), thread.head)
    journal.save(thread)
    for piece in answer:
        event = TextDelta(piece)
        turn.answer.apply(event)
        journal.grow(turn, event)
    if answer:
        turn.answer.status = "completed"
        journal.settle(turn)
    return turn


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file, as another program may."""
    with closing(sqlite3.connect(path, isolation_level=None)) as locker:
        locker.execute("BEGIN IMMEDIATE")
        yield


def written(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def said(thread: Conversation) -> list[str]:
    return [message.text for message in thread.history()]


class TestKept:
    def test_the_threads_come_back_in_another_kernel(self, opened: Opened) -> None:
        first = opened()
        thread = Conversation("main", "be brief")
        ask(first, thread, "a", "A")
        turn = ask(first, thread, "b", "B")
        thread.hide(turn.id)
        other = Conversation("other")
        ask(first, other, "c", "C")
        first.save(thread)
        assert first.flush(5)
        second = opened()
        past = second.latest()
        assert past is not None
        assert (past.notebook, past.threads) == ("n.ipynb", (("main", 2), ("other", 1)))
        copies = second.restore(past.id[:4])
        assert [plain(copy) for copy in copies] == [plain(thread), plain(other)]

    @settings(max_examples=25, deadline=None)
    @given(threads())
    def test_nothing_of_a_thread_is_lost(
        self, tmp_path_factory: pytest.TempPathFactory, thread: Conversation
    ) -> None:
        path = tmp_path_factory.mktemp("journal") / "nbchat.sqlite"
        first, second = Journal(path), Journal(path)
        try:
            first.save(thread)
            assert first.flush(10)
            pasts = second.past()
            assert len(pasts) == bool(thread.turns)
            for past in pasts:
                assert past.threads == ((thread.name, len(begins(thread.turns))),)
                assert [plain(copy) for copy in second.restore(past.id)] == [plain(thread)]
        finally:
            first.close(5)
            second.close(5)

    def test_a_restored_thread_goes_on(self, opened: Opened) -> None:
        first = opened()
        ask(first, Conversation("main"), "a", "A")
        assert first.flush(5)
        second = opened()
        (thread,) = second.restore(second.past()[0].id)
        second.save(thread)
        ask(second, thread, "b", "B")
        assert second.flush(5)
        third = opened()
        past = third.latest()
        assert past is not None
        assert past.id == second.session
        assert said(third.restore(past.id)[0]) == ["a", "A", "b", "B"]

    def test_forked_threads_share_their_turns_again(self, opened: Opened) -> None:
        first = opened()
        thread = Conversation("main")
        ask(first, thread, "a", "A")
        first.save(thread.fork("fork"))
        assert first.flush(5)
        second = opened()
        one, other = second.restore(second.past()[0].id)
        assert one.turns[0] is other.turns[0]

    def test_an_answer_is_noted_as_it_grows(self, opened: Opened) -> None:
        first = opened(interval=0)
        thread = Conversation("main")
        turn = ask(first, thread, "a")
        for piece in ("Hel", "lo"):
            event = TextDelta(piece)
            turn.answer.apply(event)
            first.grow(turn, event)
        assert first.flush(5)
        second = opened()
        (copy,) = second.restore(second.past()[0].id)
        assert (said(copy), copy.turns[0].answer.status) == (["a", "Hello"], "cut")

    def test_the_last_words_before_a_silence_are_noted_during_it(self, opened: Opened) -> None:
        journal = opened(interval=0.05)
        turn = ask(journal, Conversation("main"), "a")
        event = TextDelta("first")
        turn.answer.apply(event)
        journal.grow(turn, event)  # may be too soon
        other = opened()
        while True:  # ends as soon as it is noted
            journal.grow(turn, Idle())
            assert journal.flush(5)
            (copy,) = other.restore(other.past()[0].id)
            if said(copy) == ["a", "first"]:
                break
            assert said(copy) == []

    def test_a_prompt_that_got_nothing_before_the_kernel_died_is_beside_the_path(
        self, opened: Opened
    ) -> None:
        first = opened()
        thread = Conversation("main")
        ask(first, thread, "a", "A")
        ask(first, thread, "b")
        assert first.flush(5)
        second = opened()
        (copy,) = second.restore(second.past()[0].id)
        assert said(copy) == ["a", "A"]
        assert copy.turns[1].prompt[0].text == "b"

    def test_a_discarded_turn_is_gone(self, opened: Opened, path: Path) -> None:
        first = opened()
        thread = Conversation("main")
        ask(first, thread, "a", "A")
        head = thread.head
        failed = ask(first, thread, "b")
        thread.discard(failed, back_to=head)
        first.drop(thread, failed)
        assert first.flush(5)
        second = opened()
        (copy,) = second.restore(second.past()[0].id)
        assert [turn.prompt[0].text for turn in copy.turns] == ["a"]

    def test_deleted_threads_stay_away(self, opened: Opened) -> None:
        first = opened()
        thread = Conversation("main")
        ask(first, thread, "a", "A")
        first.save(thread, deleted=True)
        assert first.flush(5)
        assert opened().past() == []

    def test_each_notebook_finds_its_own(self, opened: Opened) -> None:
        for notebook in ("a.ipynb", "b.ipynb", ""):
            journal = opened(notebook=notebook)
            ask(journal, Conversation(f"of {notebook}"), "q", "A")
            assert journal.flush(5)
        latest = opened(notebook="a.ipynb").latest()
        assert latest is not None
        assert latest.threads == (("of a.ipynb", 1),)
        assert opened(notebook="c.ipynb").latest() is None
        unknown = opened(notebook="")
        assert unknown.latest() is None
        assert len(unknown.past()) == 3
        for ref in ("", "no such"):
            with pytest.raises(UsageError, match="no record"):
                unknown.restore(ref)

    def test_after_closing_it_can_go_on(self, opened: Opened) -> None:
        journal = opened()
        thread = Conversation("main")
        ask(journal, thread, "a", "A")
        journal.close(5)
        ask(journal, thread, "b", "B")
        assert journal.flush(5)
        other = opened()
        assert said(other.restore(other.past()[0].id)[0]) == ["a", "A", "b", "B"]

    def test_without_a_path_nothing_is_kept(self, opened: Opened) -> None:
        journal = Journal(None)
        thread = Conversation("main")
        ask(journal, thread, "a", "A")
        assert journal.flush()
        assert journal.forget(thread) == []
        with pytest.raises(UsageError, match="no journal is kept"):
            journal.past()


class TestForgotten:
    def test_no_byte_of_it_stays(self, opened: Opened, path: Path) -> None:
        first = opened()
        kept, gone = Conversation("kept"), Conversation("gone", "canary system")
        ask(first, kept, "stays", "yes")
        for number in range(20):
            ask(first, gone, f"canary {number} " + "x" * 3000, "canary answer")
        first.save(gone)
        assert first.flush(5)
        second = opened()
        for thread in second.restore(second.past()[0].id):
            second.save(thread)
        assert second.flush(5)
        assert b"canary" in written(path)
        assert second.forget(gone) == []
        assert b"canary" not in written(path)
        third = opened()
        for past in third.past():
            assert past.threads == (("kept", 1),)

    def test_a_fork_keeps_what_it_shares(self, opened: Opened, path: Path) -> None:
        journal = opened()
        thread = Conversation("main")
        ask(journal, thread, "shared", "A")
        fork = thread.fork("fork")
        ask(journal, thread, "canary", "B")
        journal.save(fork)
        assert journal.forget(thread) == ["fork"]
        assert b"canary" not in written(path)
        other = opened()
        assert said(other.restore(other.past()[0].id)[0]) == ["shared", "A"]

    def test_an_answer_that_ends_later_does_not_bring_it_back(
        self, opened: Opened, path: Path
    ) -> None:
        journal = opened()
        thread = Conversation("main")
        turn = ask(journal, thread, "canary")
        journal.forget(thread)
        journal.settle(turn)
        assert journal.flush(5)
        assert b"canary" not in written(path)


class TestPruned:
    def test_old_kernels_go_and_give_their_room_back(self, opened: Opened, path: Path) -> None:
        old = opened()
        ask(old, Conversation("old"), "canary " * 10_000, "A")
        assert old.flush(5)
        old.close(5)
        size = path.stat().st_size
        journal = opened()
        ask(journal, Conversation("main"), "b", "B")
        assert journal.prune(1) == 0
        assert [past.id for past in journal.past()] == [old.session]
        assert journal.prune(1, now=lambda: time.time() + 100_000) == 1
        assert journal.past() == []
        assert [past.id for past in opened().past()] == [journal.session]
        assert b"canary" not in written(path)
        assert path.stat().st_size < size / 2

    def test_what_was_brought_back_stays(self, opened: Opened) -> None:
        old = opened()
        thread = Conversation("main")
        ask(old, thread, "a", "A")
        ask(old, Conversation("other"), "c", "C")
        assert old.flush(5)
        journal = opened()
        restored, _ = journal.restore(old.session)
        ask(journal, restored, "b", "B")
        assert journal.prune(0, now=lambda: time.time() + 1) == 1
        assert [past.threads for past in opened().past()] == [(("main", 2),)]
        assert said(opened().restore(journal.session)[0]) == ["a", "A", "b", "B"]

    def test_a_locked_file_is_said(
        self, opened: Opened, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nbchat.journal._WAIT", 0.1)
        journal = opened()
        ask(journal, Conversation("main"), "a", "A")
        assert journal.flush(5)
        with locked(path), pytest.raises(UsageError, match="can't be used: database is locked"):
            journal.prune(0)


class TestFile:
    @pytest.mark.parametrize("umask", [0o000, 0o077])
    def test_only_its_owner_may_read_it(self, opened: Opened, path: Path, umask: int) -> None:
        before = os.umask(umask)
        try:
            journal = opened()
            ask(journal, Conversation("main"), "a", "A")
            assert journal.flush(5)
        finally:
            os.umask(before)
        files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert len(files) == 3  # -wal and -shm
        assert set(files.values()) == {0o600}

    def test_a_file_that_others_could_read_is_closed_to_them(
        self, opened: Opened, path: Path
    ) -> None:
        path.parent.mkdir()
        path.touch(0o666)
        path.chmod(0o644)
        journal = opened()
        ask(journal, Conversation("main"), "a", "A")
        assert journal.flush(5)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    @pytest.mark.parametrize("vfs", ["unix-dotfile", "unix-none"])
    def test_where_wal_is_refused_the_rollback_journal_does(
        self, opened: Opened, path: Path, vfs: str
    ) -> None:
        """These have no shared memory, as network file systems have none."""
        uri = f"file:{path}?vfs={vfs}"
        first = opened(uri)
        ask(first, Conversation("main"), "a", "A")
        assert first.flush(5)
        with sqlite3.connect(uri, uri=True) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        connection.close()
        second = opened(uri)
        assert said(second.restore(second.past()[0].id)[0]) == ["a", "A"]
        assert first.take_warning() == ""

    def test_it_is_a_database_of_ours(self, opened: Opened, path: Path) -> None:
        journal = opened()
        ask(journal, Conversation("main"), "a", "A")
        assert journal.flush(5)
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        connection.close()


class TestTrouble:
    """Each costs one line, once; prompts go on."""

    def warned(self, journal: Journal, thread: Conversation | None = None) -> str:
        thread = thread or Conversation("main")
        ask(journal, thread, "a", "A")
        journal.flush(5)
        line = journal.take_warning()
        ask(journal, thread, "b", "B")
        journal.flush(5)
        assert journal.take_warning() == ""
        assert said(thread) == ["a", "A", "b", "B"]
        assert "\n" not in line
        return line

    def test_a_corrupt_file(self, opened: Opened, path: Path) -> None:
        path.parent.mkdir()
        path.write_bytes(b"no database " * 1000)
        journal = opened()
        assert "not a database" in self.warned(journal)
        assert "not a database" in journal.broken
        assert path.read_bytes() == b"no database " * 1000
        with pytest.raises(UsageError, match="can't be used: file is not a database"):
            journal.past()

    def test_a_file_with_broken_pages(self, opened: Opened, path: Path) -> None:
        first = opened()
        for number in range(50):
            ask(first, Conversation(f"t{number}"), "q" * 500, "A")
        first.close(5)
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (size - 4096))
        assert "malformed" in self.warned(opened())

    def test_another_programs_database(self, opened: Opened, path: Path) -> None:
        path.parent.mkdir()
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE history (line)")
        connection.close()
        before = path.read_bytes()
        assert "another program's" in self.warned(opened())
        assert path.read_bytes() == before

    def test_a_newer_schema(self, opened: Opened, path: Path) -> None:
        first = opened()
        ask(first, Conversation("main"), "a", "A")
        first.close(5)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        assert "a newer nbchat wrote it" in self.warned(opened())
        with pytest.raises(UsageError, match="a newer nbchat wrote it"):
            opened().past()

    def test_a_file_that_may_only_be_read(self, opened: Opened, path: Path) -> None:
        first = opened()
        ask(first, Conversation("main"), "a", "A")
        first.close(5)
        reader = opened(f"file:{path}?mode=ro")
        assert "readonly" in self.warned(reader)
        assert said(reader.restore(reader.past()[0].id)[0]) == ["a", "A"]

    def test_a_folder_that_is_none(self, opened: Opened, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert "no journal is kept" in self.warned(opened(tmp_path / "file" / "j.sqlite"))

    def test_a_locked_file_is_written_when_it_is_free(self, opened: Opened, path: Path) -> None:
        first = opened()
        ask(first, Conversation("first"), "a", "A")
        assert first.flush(5)
        with locked(path):
            journal = opened()
            thread = Conversation("main")
            ask(journal, thread, "a", "A")  # returns, though nothing can be written
            assert not journal.flush(0.1)
            while not (line := journal.take_warning()):
                assert not journal.flush(0.1)
            assert "locked" in line
            ask(journal, thread, "b", "B")
        assert journal.flush(30)
        reader = opened()
        assert said(reader.restore(journal.session)[0]) == ["a", "A", "b", "B"]

    def test_what_can_not_be_deleted_now_is_said(
        self, opened: Opened, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("nbchat.journal._FORGET_WAIT", 0.1)
        journal = opened()
        thread = Conversation("main")
        ask(journal, thread, "canary", "A")
        assert journal.flush(5)
        with locked(path), pytest.raises(UsageError, match="is not deleted from"):
            journal.forget(thread)
        assert journal.flush(30)
        assert opened().past() == []

    def test_a_full_disk(self, path: Path) -> None:
        """In a process whose files may not grow past 100 kB; then they may."""
        done = run_child(_FULL_DISK, path)
        assert done.stdout.splitlines() == ["warned True", "only once", "all is written", "16"]


_FULL_DISK = """
import resource, sys
from nbchat.journal import Journal
from tests.journal.test_journal import ask, said
from nbchat.conversation import Conversation

soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
journal, thread = Journal(sys.argv[1]), Conversation("main")
for _ in range(8):
    ask(journal, thread, "q" * 50_000, "A")
while not (line := journal.take_warning()):
    journal.flush(0.1)
print("warned", "full" in line or "I/O" in line)
journal.flush(1.5)
print("only once" if not journal.take_warning() else "again")
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print("all is written" if journal.flush(30) else "not written")
other = Journal(sys.argv[1])
print(len(said(other.restore(journal.session)[0])))
"""

_GROWING = """
import sys
from nbchat.conversation import Conversation
from nbchat.journal import Journal
from nbchat.messages import TextDelta
from tests.journal.test_journal import ask

journal, thread = Journal(sys.argv[1], sys.argv[2], interval=0), Conversation("main")
ask(journal, thread, "done", "whole answer")
turn = ask(journal, thread, "cut")
number = 0
while True:
    event = TextDelta(f"{number} ")
    turn.answer.apply(event)
    journal.grow(turn, event)
    journal.flush()
    number += 1
    print(number, flush=True)
"""

_WRITING = """
import sys
from nbchat.conversation import Conversation
from nbchat.journal import Journal
from tests.journal.test_journal import ask

journal = Journal(sys.argv[1], sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
thread = Conversation(sys.argv[2])
for number in range(40):
    ask(journal, thread, f"q{number}", "A")
    journal.flush(0.01)
"""


def run_child(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)


def start_child(code: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class TestProcesses:
    def test_a_killed_kernel_leaves_the_partial_answer(self, opened: Opened, path: Path) -> None:
        with start_child(_GROWING, path, "n.ipynb") as child:
            assert child.stdout is not None
            while int(child.stdout.readline()) < 30:
                pass
            child.send_signal(signal.SIGKILL)
            child.wait()
            rest = child.stdout.read().split()
        reached = int(rest[-1]) if rest else 30
        journal = opened()
        past = journal.latest()
        assert past is not None
        (thread,) = journal.restore(past.id)
        done, cut = thread.turns
        assert (done.answer.status, cut.answer.status) == ("completed", "cut")
        numbers = [int(number) for number in said(thread)[3].split()]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= reached
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()

    def test_kernels_write_at_once(self, opened: Opened, path: Path) -> None:
        children = [start_child(_WRITING, path, name) for name in ("a", "b", "c")]
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        for child in children:
            child.communicate("go\n", timeout=60)
            assert child.returncode == 0
        pasts = opened().past()
        assert sorted(past.threads for past in pasts) == [((name, 40),) for name in "abc"]

    def test_a_normal_end_writes_what_was_settled(self, opened: Opened, path: Path) -> None:
        run_child(
            "import sys\n"
            "from nbchat.conversation import Conversation\n"
            "from nbchat.journal import Journal\n"
            "from tests.journal.test_journal import ask\n"
            "ask(Journal(sys.argv[1]), Conversation('main'), 'a', 'A')\n",
            path,
        )
        journal = opened()
        assert said(journal.restore(journal.past()[0].id)[0]) == ["a", "A"]

    def test_a_locked_file_does_not_hold_the_end(self, opened: Opened, path: Path) -> None:
        first = opened()
        ask(first, Conversation("main"), "a", "A")
        assert first.flush(5)
        with locked(path):
            # The lock is held until the child has ended: that it ends is what is shown.
            run_child(
                "import sys\n"
                "from nbchat.conversation import Conversation\n"
                "from nbchat.journal import Journal\n"
                "from tests.journal.test_journal import ask\n"
                "ask(Journal(sys.argv[1]), Conversation('main'), 'b', 'B')\n",
                path,
            )
