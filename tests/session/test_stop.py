"""Stop is heard at whatever stage, also while the server is asked something else first."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from nbchat.errors import Interrupted, StreamError
from nbchat.interrupt import StopSignal
from nbchat.options import Options
from nbchat.session import Session
from nbchat.session.background import in_background
from nbchat.settings import NbChat
from tests.support.server import PATIENCE, Hold, ScriptedServer, json_answer, responses_stream

BACKGROUND = {"id": "resp_1", "status": "queued", "output": []}


@pytest.fixture
def session(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("NBCHAT_API_KEY", "sk-canary")
    session = Session(NbChat(base_url=server.base_url))
    yield session
    session.close()


def ask(session: Session, stopped: StopSignal, **options: object) -> None:
    plan = session.plan("hello", Options.of(**options), "responses")
    for _ in session.run(plan, stopped):
        pass


def stops(session: Session, hold: Hold, **options: object) -> None:
    """Ask, set stop when the server holds its answer back, and see that it ends."""
    stopped = StopSignal()

    def stop() -> None:
        assert hold.reached.wait(PATIENCE)
        stopped.set()

    watcher = threading.Thread(target=stop)
    watcher.start()
    with pytest.raises(Interrupted):
        ask(session, stopped, **options)
    watcher.join(PATIENCE)
    hold.release()


def test_while_the_models_are_asked_for(session: Session, server: ScriptedServer) -> None:
    hold = Hold()
    server.script(hold)
    stops(session, hold)
    assert session.threads.get("main") is None or not session.threads["main"].turns


def test_while_it_is_asked_whether_responses_are_kept(
    session: Session, server: ScriptedServer
) -> None:
    server.script(*responses_stream("Hello."))
    ask(session, StopSignal(), model="m")
    hold = Hold()
    server.script(hold)
    stops(session, hold, model="m")
    assert len(session.threads["main"].path()) == 1


def test_while_a_background_response_is_asked_for(
    session: Session, server: ScriptedServer
) -> None:
    hold = Hold()
    server.script(*json_answer(BACKGROUND))
    server.script(hold)
    server.script(*json_answer({**BACKGROUND, "status": "cancelled"}))
    stops(session, hold, model="m", stream=False, set={"background": True})
    assert server.exchange(2).path == "/v1/responses/resp_1/cancel"


def test_a_background_response_that_failed_says_where_and_shows_no_key(
    session: Session, server: ScriptedServer
) -> None:
    server.script(*json_answer(BACKGROUND))
    error = {"code": "server_error", "message": "sk-canary is not welcome"}
    server.script(*json_answer({**BACKGROUND, "status": "failed", "error": error}))
    with pytest.raises(StreamError) as caught:
        ask(
            session,
            StopSignal(),
            model="m",
            stream=False,
            set={"background": True},
        )
    assert str(caught.value).splitlines() == [
        f"the answer broke off (127.0.0.1:{server.port}, model m)",
        "server_error: •••• is not welcome",
    ]


def test_a_function_whose_turn_comes_after_it_does_not_begin() -> None:
    stopped, begun = StopSignal(), False
    stopped.set()
    with pytest.raises(KeyboardInterrupt), stopped.interruptible():
        begun = True
    assert not begun


def test_while_something_is_prepared() -> None:
    stopped, working, ended = threading.Event(), threading.Event(), threading.Event()

    def work(report: object) -> None:
        working.set()
        ended.wait(PATIENCE)

    preparing = in_background(work, lambda step: step, stopped)
    next(preparing)
    assert working.wait(PATIENCE)
    stopped.set()
    with pytest.raises(KeyboardInterrupt):
        list(preparing)
    ended.set()
