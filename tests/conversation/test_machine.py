"""Threads against a model of lists: whatever is done, the model sends what the lists hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from nbchat.conversation import Conversation, Threads, Turn
from nbchat.journal import Journal
from nbchat.messages import Message, TextDelta

Asked = tuple[str, str, str, str]  # number, cell, prompt, answer

cells = st.sampled_from(["", "a", "b", "c"])
names = st.sampled_from(["main", "x", "y"])


class Model:
    """A thread as plainly as possible: every path is a list of what was asked and answered."""

    def __init__(self) -> None:
        self.path: list[Asked] = []
        self.known: dict[str, list[Asked]] = {}  # by number: the path that ends there
        self.undone: list[list[Asked]] = []
        self.hidden: set[str] = set()
        self.runs: set[str] = set()  # cells whose running execution asked here already

    def place(self, cell: str) -> list[Asked]:
        """The path that the next prompt of a cell follows."""
        cells = [asked[1] for asked in self.path]
        if cell and cell not in self.runs and cell in cells:
            return self.path[: cells.index(cell)]
        return self.path

    def add(self, before: list[Asked], asked: Asked) -> None:
        self.path = [*before, asked]
        self.known[asked[0]] = self.path
        self.undone = []
        if asked[1]:
            self.runs.add(asked[1])

    def sent(self) -> list[str]:
        shown = [asked for asked in self.path if asked[0] not in self.hidden]
        return [text for _, _, prompt, answer in shown for text in (prompt, answer) if text]

    def copy(self) -> Model:
        """What a fork has: the path, and what is hidden on it."""
        fork = Model()
        fork.path = self.path
        numbers = [asked[0] for asked in self.path]
        fork.known = {n: self.path[: place + 1] for place, n in enumerate(numbers)}
        fork.hidden = self.hidden & set(numbers)
        return fork


class Machine(RuleBasedStateMachine):
    """Does everything to the threads and to the model."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.threads = Threads()
        self.models: dict[str, Model] = {}
        self.turns: dict[str, Turn] = {}
        self.count = 0
        self.executions = dict.fromkeys("abc", 0)
        self.open_journal()

    def open_journal(self) -> None:
        path = Path(self.folder.name) / "journal.sqlite"
        self.journal = Journal(path, "notebook.ipynb", interval=0)

    @property
    def thread(self) -> Conversation:
        name = self.threads.current
        return self.threads[name] if name in self.threads else self.threads.add(Conversation(name))

    @property
    def model(self) -> Model:
        return self.models.setdefault(self.threads.current, Model())

    @rule(cell=cells)
    def start_cell(self, cell: str) -> None:
        """A cell is run: its prompts from now on belong to a new execution."""
        if cell:
            self.executions[cell] += 1
            for model in self.models.values():
                model.runs.discard(cell)

    @rule(cell=cells, end=st.sampled_from(["done", "done", "interrupted", "failed"]))
    def ask(self, cell: str, end: str) -> None:
        thread, model, head = self.thread, self.model, self.thread.head
        self.count += 1
        number = str(self.count)
        execution = f"{cell} {self.executions[cell]}" if cell else ""
        turn = Turn((Message.of("user", f"prompt {number}"),), "chat", cell=cell)
        turn.execution = execution
        place = thread.place(cell, execution)
        before = model.place(cell)
        assert bool(place.note) == (before != model.path)
        thread.open(turn, place.parent)
        self.journal.save(thread)
        if end == "failed":
            thread.discard(turn, back_to=head)
            self.journal.drop(thread, turn)
            return
        event = TextDelta(f"answer {number}")
        turn.answer.apply(event)
        self.journal.grow(turn, event)
        turn.answer.status = "completed" if end == "done" else "stopped"
        self.journal.settle(turn)
        self.turns[number] = turn
        model.add(before, (number, cell, f"prompt {number}", f"answer {number}"))

    @precondition(lambda self: self.model.path)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, len(self.model.path)))
        self.thread.undo(count)
        self.model.undone.append(self.model.path)
        self.model.path = self.model.path[:-count]

    @precondition(lambda self: self.model.undone)
    @rule()
    def redo(self) -> None:
        self.thread.redo()
        self.model.path = self.model.undone.pop()

    @rule()
    def new(self) -> None:
        self.thread.new()
        if self.model.path:
            self.model.undone.append(self.model.path)
            self.model.path = []

    @precondition(lambda self: self.model.known)
    @rule(data=st.data())
    def goto(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.known)))
        self.thread.goto(self.turns[number].id)
        self.model.path = self.model.known[number]
        self.model.undone = []

    @precondition(lambda self: self.model.known)
    @rule(data=st.data())
    def hide_or_show(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.known)))
        if number in self.model.hidden:
            self.thread.unhide(self.turns[number].id)
        else:
            self.thread.hide(self.turns[number].id)
        self.model.hidden ^= {number}

    @rule(name=names)
    def switch(self, name: str) -> None:
        self.threads.switch(name)

    @rule(name=names)
    def fork(self, name: str) -> None:
        if name not in self.threads and self.threads.current in self.threads:
            self.threads.fork(name)
            self.models[name] = self.model.copy()

    @rule(name=names, other=names)
    def rename(self, name: str, other: str) -> None:
        if name in self.threads and other not in self.threads:
            self.threads.rename(name, other)
            self.models[other] = self.models.pop(name, Model())

    @rule(name=names)
    def delete_and_take_back(self, name: str) -> None:
        if name in self.threads:
            current = self.threads.current
            self.threads.delete(name)
            self.threads.undelete()
            self.threads.switch(current)

    @rule()
    def restart_and_restore(self) -> None:
        """The kernel dies, and a new one takes the threads from the journal."""
        for thread in self.threads.values():
            self.journal.save(thread)
        assert self.journal.flush(10)
        current = self.threads.current
        self.journal.close(10)
        self.open_journal()
        latest = self.journal.latest()
        self.threads = Threads()
        for thread in self.journal.restore(latest.id) if latest else []:
            self.threads.add(thread)
            self.journal.save(thread)
        self.threads.switch(current)
        by_prompt = {
            turn.prompt[0].text: turn for thread in self.threads.values() for turn in thread.turns
        }
        self.turns = {number: by_prompt[f"prompt {number}"] for number in self.turns}
        for model in self.models.values():
            model.runs.clear()
        self.executions = {cell: number + 1 for cell, number in self.executions.items()}

    @invariant()
    def the_messages_sent_are_those_of_the_lists(self) -> None:
        for name, thread in self.threads.items():
            said = [message.text for message in thread.history()]
            assert said == self.models.get(name, Model()).sent()

    def teardown(self) -> None:
        self.journal.close(10)
        self.folder.cleanup()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
