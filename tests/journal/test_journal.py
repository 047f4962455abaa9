"""The journal keeps all of a thread, until it is told to forget it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings

from nbchat.conversation import Conversation, begins
from nbchat.errors import UsageError
from nbchat.journal import Journal
from nbchat.messages import Idle, TextDelta
from tests.support.journals import Opened, ask, locked, said, written
from tests.support.threads import plain, threads


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
