"""All that one prompt leads to: its answer, rounds of tools, a repair; settled however it ends."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbchat.conversation import Placement, Turn
from nbchat.errors import FormatError, Interrupted, NbchatError
from nbchat.interrupt import StopSignal, uninterrupted
from nbchat.journal import Journal
from nbchat.messages import (
    Message,
    Settled,
    StreamEvent,
    TextReplaced,
    ToolCall,
    ToolFinished,
    Usage,
)
from nbchat.providers import Experience
from nbchat.reply import Reply
from nbchat.session.flight import Flight
from nbchat.session.plan import Plan
from nbchat.tools import Round, ask

if TYPE_CHECKING:
    from nbchat.client import Client


class Course:
    """Runs a prompt; `events` is to be taken once.

    Args:
        plan: what is sent first.
        stopped: set, from any thread, it stops the prompt as an interrupt does.
        prepare: what is done and said before the first request.

    Attributes:
        reply: what the prompt gave, ``None`` before it has ended and if nothing came.
    """

    def __init__(
        self,
        plan: Plan,
        stopped: StopSignal,
        client: Client,
        experience: Experience,
        journal: Journal,
        prepare: Callable[[Flight], Iterator[StreamEvent]],
    ) -> None:
        self._plan = plan
        self._stopped = stopped
        self._client = client
        self._experience = experience
        self._journal = journal
        self._prepare = prepare
        self._flights: list[Flight] = []
        self._steps: list[str | ToolFinished] = []
        self._parsed: Any = None
        self.reply: Reply | None = None

    def events(self) -> Generator[StreamEvent, None, None]:
        """Yield what happens; the last event is `Settled` if anything came.

        Raises:
            NbchatError: the request failed, the answer broke off, or it is not as asked.
            Interrupted: the user stopped it.
        """
        thread = self._plan.thread
        head, system = thread.head, thread.system
        failure: BaseException | None = None
        done = False
        try:
            thread.system = self._plan.system
            yield from self._converse()
            done = True
        except NbchatError as error:
            failure = error
        except (KeyboardInterrupt, GeneratorExit) as error:
            failure = error
            if isinstance(error, GeneratorExit):
                raise
        finally:
            stopped = isinstance(failure, (KeyboardInterrupt, GeneratorExit))
            with uninterrupted(strike=False) as struck:
                self._close(done, stopped=stopped)
                if not done:
                    self._drop_empty(head)
                if self._flights:
                    self.reply = self._reply()
                else:
                    thread.system = system
                    self._journal.save(thread)
        if struck and failure is None:
            failure = KeyboardInterrupt()
        if self.reply is not None:
            yield Settled(self.reply)
        if isinstance(failure, KeyboardInterrupt):
            what = "what had come is kept" if self.reply is not None else "nothing had come yet"
            raise Interrupted(f"stopped; {what}") from None
        if failure is not None:
            raise failure

    def _converse(self) -> Iterator[StreamEvent]:
        plan, repaired = self._plan, False
        for number in itertools.count(1):
            yield from self._ask(plan)
            turn = self._flights[-1].turn
            said = turn.answer.message(turn.picked)
            if said.tool_calls and plan.tools:
                if number > plan.max_rounds:
                    limit = f"stopped after {plan.max_rounds} rounds of tools (--max-rounds)"
                    yield self._flights[-1].note(limit)
                    return
                plan = yield from self._run_tools(said.tool_calls, said.text)
            elif plan.structure is None:
                return
            else:
                try:
                    self._parsed = plan.structure.validate(said.text)
                    return
                except FormatError as error:
                    # An answer that ended at its limit would end there again.
                    cut = turn.answer.choices[turn.picked].finish_reason == "length"
                    if cut:
                        error.hint = "It was cut at the token limit: --max-tokens gives it more."
                    if repaired or cut:
                        raise
                    repaired = True
                    words = plan.structure.repair_prompt(error)
                    yield self._flights[-1].note(
                        "the first answer did not fit; it was asked again"
                    )
                    yield TextReplaced("", turn.picked)
                    plan = self._following([Message.of("user", words)])

    def _ask(self, plan: Plan) -> Iterator[StreamEvent]:
        """Send a plan, and fold its answer into a turn of its own."""
        first = not self._flights
        flight = self._open(plan)
        if first:
            for note in (self._journal.take_warning(), plan.placement.note, *plan.notices):
                if note:
                    yield flight.note(note)
        before = self._prepare(flight) if first else iter(())
        for event in itertools.chain(before, flight.events()):
            self._journal.grow(flight.turn, event)
            yield event
        self._settle(flight, "completed")

    def _run_tools(
        self, calls: Iterable[ToolCall], text: str
    ) -> Generator[StreamEvent, None, Plan]:
        """Run the calls of an answer; return the plan that tells the model what they gave."""
        plan = self._flights[-1].plan
        if text:
            self._steps.append(text)
        running = Round(
            tuple(calls),
            plan.tools,
            parallel=plan.parallel,
            approve=ask if plan.approve else None,
            stopped=self._stopped,
        )
        try:
            for event in running.events():
                if isinstance(event, ToolFinished):
                    self._steps.append(event)
                yield event
        except BaseException:
            # The history stays valid: each call has its output.
            self._open(self._following(running.messages))
            raise
        return self._following(running.messages)

    # --- Turns ----------------------------------------------------------------------------

    def _following(self, prompt: Iterable[Message]) -> Plan:
        """The plan that goes on after the last turn."""
        plan, place = self._flights[-1].plan, Placement(self._flights[-1].turn)
        options = plan.options
        if options.tool_choice not in (None, "none", "auto"):
            # A call that every round has to make leaves no round to answer in.
            options = replace(options, tool_choice=None)
        return replace(plan, prompt=tuple(prompt), options=options, placement=place, notices=())

    def _open(self, plan: Plan) -> Flight:
        turn = plan.turn()
        flight = Flight(plan, turn, self._client, self._experience, self._stopped)
        plan.thread.open(turn, plan.placement.parent)
        self._flights.append(flight)
        self._journal.save(plan.thread)
        return flight

    def _settle(self, flight: Flight, status: str) -> None:
        flight.close()
        if flight.turn.answer.status == "streaming":
            flight.turn.answer.status = status
        self._journal.settle(flight.turn)
        self._journal.save(self._plan.thread)

    def _close(self, done: bool, *, stopped: bool) -> None:
        """Settle the turn that was under way when it ended."""
        if done or not self._flights:
            return
        flight = self._flights[-1]
        if stopped and flight.turn.answer.status != "completed":
            flight.turn.answer.status = "stopped"
        self._settle(flight, "failed")

    def _drop_empty(self, head: Turn | None) -> None:
        """Take out a last turn that got nothing, unless it holds what tools gave."""
        if not self._flights:
            return
        turn = self._flights[-1].turn
        if not turn.empty or turn.prompt[0].role == "tool":
            return
        self._flights.pop()
        back_to = self._flights[-1].turn if self._flights else head
        self._plan.thread.discard(turn, back_to=back_to)
        self._journal.drop(self._plan.thread, turn)

    def _reply(self) -> Reply:
        """What the prompt gave: the last answer, with the tokens and the time of all."""
        name = "" if self._plan.options.once else self._plan.thread.name
        replies = [flight.turn.reply(name) for flight in self._flights]
        last = replies[-1]
        if len(replies) == 1:
            return replace(last, parsed=self._parsed)
        earlier = [replace(image, offset=0) for reply in replies[:-1] for image in reply.images]
        tools = sum(step.seconds for step in self._steps if isinstance(step, ToolFinished))
        return replace(
            last,
            images=(*earlier, *last.images),
            hosted=tuple(tool for reply in replies for tool in reply.hosted),
            parsed=self._parsed,
            usage=_sum([reply.usage for reply in replies if reply.usage is not None]),
            elapsed=sum(reply.elapsed for reply in replies) + tools,
            first_token=None,
            notices=tuple(note for reply in replies for note in reply.notices),
            steps=tuple(self._steps),
        )


def _sum(counted: list[Usage]) -> Usage | None:
    if not counted:
        return None
    costs = [usage.cost for usage in counted if usage.cost is not None]
    return Usage(
        input=sum(usage.input for usage in counted),
        output=sum(usage.output for usage in counted),
        cached=sum(usage.cached for usage in counted),
        reasoning=sum(usage.reasoning for usage in counted),
        cost=sum(costs) if costs else None,
    )
