"""Several kernels keep one journal, and end in every way."""

from __future__ import annotations

import signal
import sqlite3
from pathlib import Path

from nbchat.conversation import Conversation
from tests.support.journals import Opened, ask, locked, run_child, said, start_child

_GROWING = """
import sys
from nbchat.conversation import Conversation
from nbchat.journal import Journal
from nbchat.messages import TextDelta
from tests.support.journals import ask

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
from tests.support.journals import ask

journal = Journal(sys.argv[1], sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
thread = Conversation(sys.argv[2])
for number in range(40):
    ask(journal, thread, f"q{number}", "A")
    journal.flush(0.01)
"""


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
            "from tests.support.journals import ask\n"
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
                "from tests.support.journals import ask\n"
                "ask(Journal(sys.argv[1]), Conversation('main'), 'b', 'B')\n",
                path,
            )
