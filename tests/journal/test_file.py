"""The journal's file: nothing that goes wrong with it holds a prompt."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from nbchat.conversation import Conversation
from nbchat.errors import UsageError
from nbchat.journal import Journal
from tests.support.journals import Opened, ask, locked, run_child, said


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
from tests.support.journals import ask, said
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
