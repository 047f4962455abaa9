"""The kernel's threads, and the way of one prompt: ask, fold what comes, yield it, settle."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nbchat import local
from nbchat.conversation import Conversation, Threads
from nbchat.errors import APIConnectionError, APIError, ConfigurationError, Interrupted, UsageError
from nbchat.interrupt import StopSignal
from nbchat.journal import FILENAME, Journal
from nbchat.messages import Endpoint, Idle, Message, Part, Progress, StreamEvent, Text
from nbchat.options import Options
from nbchat.prompt import Namespaces, compose
from nbchat.providers import LOCAL, Experience, Keys, Provider, resolve
from nbchat.reply import Reply
from nbchat.session.background import in_background, quietly
from nbchat.session.course import Course
from nbchat.session.defaults import completed, lent
from nbchat.session.flight import Flight
from nbchat.session.jobs import Jobs
from nbchat.session.plan import MAX_ROUNDS, Plan
from nbchat.settings import NbChat, lookup
from nbchat.tools import Structure, collect, structure
from nbchat.wire.curl import curl_command, dry_run_text
from nbchat.wire.url import endpoint_url

if TYPE_CHECKING:
    from nbchat.client import Client

__all__ = ["Plan", "Session", "shared"]


class Session:
    """Everything that nbchat keeps while the kernel lives.

    State is changed only on the thread that runs `run`'s generator; only the models that a server
    listed are noted on the thread that asked it.

    Attributes:
        threads: the conversations by name, and which of them is the current one.
        last: the reply of the last prompt that got one, ``None`` before that.
        jobs: the prompts in the background.
        folder: where the journal is if the settings name no file; ``None`` keeps none.
    """

    def __init__(self, settings: NbChat) -> None:
        self.settings = settings
        self.keys = Keys()
        self.experience = Experience()
        self.threads = Threads()
        self.last: Reply | None = None
        self.jobs = Jobs()
        self._models: dict[str, list[str]] = {}
        self.folder: Path | None = None
        self._journal: tuple[bool | str, Journal] | None = None
        self._client: Client | None = None

    def thread(self) -> Conversation:
        """Return the current thread; it is kept once something was said on it."""
        name = self.threads.current
        return self.threads.get(name) or Conversation(name)

    @property
    def journal(self) -> Journal:
        """The journal that the settings ask for; one that keeps nothing if they ask for none."""
        asked = self.settings.journal
        if self._journal is None or self._journal[0] != asked:
            if self._journal is not None:
                self._journal[1].close()
            path: str | Path | None = asked or None
            if asked is True:
                path = None if self.folder is None else self.folder / FILENAME
            elif isinstance(path, str):
                path = Path(path).expanduser()
            self._journal = asked, Journal(path, os.environ.get("JPY_SESSION_NAME", ""))
        return self._journal[1]

    def keep(self, thread: Conversation) -> None:
        """Keep a thread that a command changed, if it has anything, and note what it is now."""
        if not (thread.turns or thread.options):
            return
        deleted = thread in self.threads.deleted
        if not deleted:
            self.threads.setdefault(thread.name, thread)
        self.journal.save(thread, deleted=deleted)

    def defaults(self) -> Options:
        """Return the options that the current thread lends to its prompts.

        Raises:
            UsageError: a thread that came from elsewhere holds something else.
        """
        return lent(self.thread())

    def provider(self, options: Options) -> Provider:
        """Return the provider that a prompt with ``options`` goes to.

        Raises:
            UsageError: no provider has the name.
            ConfigurationError: its key is missing, or there is none at all.
        """
        provider = resolve(self.settings, options, self.keys, local.available)
        if provider.name == LOCAL and not provider.model:
            provider = replace(provider, model=local.SERVED_MODEL)
        return provider

    def plan(
        self,
        prompt: str,
        options: Options,
        endpoint: Endpoint,
        *,
        cell: str = "",
        execution: str = "",
        namespaces: Namespaces = (),
    ) -> Plan:
        """Decide who is asked, on which thread, without sending or changing anything.

        ``cell`` and ``execution`` are the ids of the notebook cell and of its run, if there are.
        Names of variables in the options are looked up in ``namespaces``, and a prompt that is
        text is filled from them, unless they are none.

        Raises:
            UsageError: the prompt is empty, or a name is unknown.
            ToolError: a tool can't be described to the model.
            ConfigurationError: there is no provider or no key.
        """
        content = compose(
            prompt,
            namespaces,
            literal=options.literal or not namespaces,
            images=options.image,
            files=options.file,
            audio=options.audio,
        )
        if not content.text.strip() and all(isinstance(part, Text) for part in content.parts):
            raise UsageError("the prompt is empty: write it behind the options, or below %%chat")
        name = options.thread or self.threads.current
        # `--once` neither reads nor writes the thread.
        known = None if options.once else self.threads.get(name)
        if known is not None:
            options = completed(options, known, endpoint)
        provider = self.provider(options)
        if provider.name == LOCAL and not (options.dry_run or options.curl):
            _check_local(content.parts, options, endpoint)
        if options.timeout is None and (asked := lookup(self.settings, "timeout").value):
            options = replace(options, timeout=float(asked))
        plan = Plan(
            prompt=(Message("user", content.parts),),
            notices=content.notices,
            options=options,
            endpoint=endpoint,
            provider=provider,
            thread=known or Conversation(name),
            cell=cell,
            execution=execution,
            append=options.append or self.settings.rerun == "append",
            tools=collect(options.tool, namespaces) if options.tool else {},
            parallel=options.parallel,
            approve=options.approve,
            max_rounds=options.max_rounds or MAX_ROUNDS,
            structure=_structure(options, namespaces),
            web=options.web,
        )
        return plan.placed()

    def preview(self, plan: Plan) -> str:
        """Return what ``--dry-run`` or ``--curl`` shows of the request that `run` would send."""
        provider = plan.provider
        if not provider.model:
            raise _no_model(provider)
        # The embedded server has no address before it runs.
        url = endpoint_url(provider.base_url or "http://127.0.0.1/v1", plan.endpoint)
        body = plan.body(self.experience.habits(provider))
        if plan.options.curl:
            return curl_command(url, body, provider.key_variable or None)
        return dry_run_text(url, body, has_key=provider.key is not None)

    def run(
        self, plan: Plan, stopped: StopSignal | None = None
    ) -> Generator[StreamEvent, None, None]:
        """Send the prompt and yield what comes; the last event is `Settled`.

        However it ends (a normal end, a failure, an interrupt, a view that gives up), the turn,
        the thread and the connection are in order afterwards. A turn that got nothing is taken
        out; a partial answer is kept and marked. Setting ``stopped``, from any thread, stops it as
        an interrupt does. A thread that is still answering is waited for.

        Raises:
            APIError: the request failed, or the answer broke off (after `Settled`).
            ConfigurationError: the embedded model can't be had.
            Interrupted: the user stopped it (after `Settled` if anything had come).
        """
        stopped = stopped or StopSignal()
        if plan.options.once:
            yield from self._run(plan, stopped)
            return
        # The thread may have been made by another prompt since this one was planned.
        thread = self.threads.setdefault(plan.thread.name, plan.thread)
        ticket = thread.answering.enter()
        try:
            yield Idle()  # from here on its place in the line is sure
            while not thread.answering.wait(ticket, 0.05):
                if stopped.is_set():
                    raise Interrupted("stopped before it was sent")
                yield Progress(f"waiting for the thread {thread.name}")
            yield from self._run(replace(plan, thread=thread).placed(), stopped)
        finally:
            thread.answering.leave(ticket)

    def _run(self, plan: Plan, stopped: StopSignal) -> Generator[StreamEvent, None, None]:
        # What is asked outside of any thread is not kept either.
        journal = Journal(None) if plan.options.once else self.journal
        course = Course(plan, stopped, self.client, self.experience, journal, self._prepare)
        try:
            yield from course.events()
        finally:
            if course.reply is not None:
                self.last = course.reply

    def close(self) -> None:
        """End the jobs, the event loop and the embedded model; the threads stay."""
        if self._journal is not None:
            self._journal[1].close()
        self.jobs.stop()
        if self._client is not None:
            self._client.close()
            self._client = None
        local.server.stop()

    @property
    def client(self) -> Client:
        """The client, made at the first prompt: httpx takes its time to import."""
        if self._client is None:
            from nbchat.client import Client

            self._client = Client()
        return self._client

    def models(self, provider: Provider) -> list[str]:
        """Return the names of the models that a server says it has, asked once in a kernel.

        Raises:
            APIError: the server does not say.
        """
        if provider.base_url not in self._models:
            url = f"{provider.base_url}/models"
            said = self.client.get_json(url, key=provider.key, provider=provider.name)
            rows = said.get("data") if isinstance(said, dict) else None
            names = [row.get("id") for row in rows or [] if isinstance(row, dict)]
            self._models[provider.base_url] = [name for name in names if isinstance(name, str)]
        return self._models[provider.base_url]

    def heard_of(self) -> list[str]:
        """Return the models that servers listed or that answered, without asking anybody."""
        answered = (
            turn.answer.model or turn.model
            # Copies: a prompt in the background may add to them.
            for thread in list(self.threads.values())
            for turn in list(thread.turns)
            if not turn.by_hand
        )
        listed = (name for names in list(self._models.values()) for name in names)
        return list(dict.fromkeys(name for name in (*listed, *answered) if name))

    def _prepare(self, flight: Flight) -> Iterator[StreamEvent]:
        """Say what should be known of the provider; find the model; start the embedded one."""
        provider = flight.plan.provider
        if provider.note:
            yield flight.note(provider.note)
        if not provider.model:
            provider = yield from self._with_only_model(provider, flight.stopped)
            flight.plan = replace(flight.plan, provider=provider)
            flight.turn.model = provider.model
        if provider.name != LOCAL:
            return
        local.server.require()
        path = lookup(self.settings, "local_model").value
        weights = local.weights.find(path)
        if weights is None:
            weights = yield from in_background(
                lambda report: local.weights.fetch(path, progress=report),
                _download_progress,
                flight.stopped,
            )
        server = local.server.start(weights)
        provider = replace(provider, base_url=server.base_url, key=server.key, model=server.model)
        flight.plan = replace(flight.plan, provider=provider)
        flight.turn.base_url, flight.turn.model = provider.base_url, provider.model

    def _with_only_model(
        self, provider: Provider, stopped: StopSignal
    ) -> Generator[StreamEvent, None, Provider]:
        """Return the provider with its model, if it has just one."""
        try:
            names = yield from quietly(lambda: self.models(provider), stopped)
        except APIConnectionError:
            raise
        except APIError as error:
            why = f", and it did not say which it has ({error.what})"
            raise _no_model(provider, why) from error
        if len(names) == 1:
            return replace(provider, model=names[0])
        some = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise _no_model(provider, f"; it has {some or 'none'}")


def _no_model(provider: Provider, why: str = "") -> ConfigurationError:
    return ConfigurationError(
        f"no model is named for {provider.name}{why}\n"
        "Name one with -m MODEL or %config NbChat.model."
    )


def _check_local(parts: Sequence[Part], options: Options, endpoint: Endpoint) -> None:
    """Say what the embedded model can't do, better than its server would."""
    if not all(isinstance(part, Text) for part in parts):
        raise UsageError(
            "the embedded model takes text only\nAsk another provider (-p) about images and files."
        )
    if (options.n or 1) > 1:
        raise UsageError("the embedded model gives one answer at a time: leave out -n")
    if options.logprobs is not None and endpoint == "responses":
        raise UsageError("the embedded model gives log probabilities with %%chat alone")


def _structure(options: Options, namespaces: Namespaces) -> Structure | None:
    if options.schema is not None:
        return structure(options.schema, namespaces)
    return structure() if options.json else None


def _download_progress(step: local.Progress) -> Progress:
    text = f"{step.stage} the embedded model ({step.total / 1e6:.0f} MB)"
    return Progress(text, step.received / step.total)


_shared: list[Session] = []


def shared(settings: NbChat | None = None) -> Session:
    """Return the session of this process, made at first use; the magics and Python share it.

    ``settings`` take the place of those that held before.
    """
    if not _shared:
        _shared.append(Session(settings or NbChat()))
    if settings is not None:
        _shared[0].settings = settings
    return _shared[0]
