"""The remote controls of llmock and aimock: what they are told to do, and what they saw."""

from __future__ import annotations

from typing import Any

from .program import Program


class LLMock:
    """llmock (PyPI): a queue of faults and answers, a journal, and a verdict on the client."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.origin = program.url
        self.base_url = f"{program.url}/v1"

    def script(self, kind: str, /, **fields: Any) -> None:
        """Queue a behaviour for the next request, or for ``times`` of them."""
        behavior = {"type": kind, **fields}
        self._program.call("POST", "/_llmock/scenario", {"behaviors": [behavior]})

    def reset(self) -> None:
        """Forget what was queued, seen and counted."""
        self._program.call("POST", "/_llmock/reset")

    @property
    def pending(self) -> int:
        """How many behaviours wait for a request."""
        return len(self._program.call("GET", "/_llmock/scenario")["pending"])

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests since `reset`, once they are over."""
        return list(self._program.call("GET", "/_llmock/requests")["requests"])

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was sent."""
        return [request["body"] for request in self.requests]

    @property
    def statuses(self) -> list[int]:
        """What was answered."""
        return [request["status"] for request in self.requests]

    def verdict(self) -> list[str]:
        """What llmock has to say against the client, one line each: level, code and reason."""
        findings = self._program.call("GET", "/_llmock/verdict")["findings"]
        return [f"{found['severity']} {found['code']}: {found['title']}" for found in findings]

    def complaints(self) -> list[str]:
        """The codes of the verdict's findings."""
        return [finding.split()[1].rstrip(":") for finding in self.verdict()]


class AIMock:
    """aimock (npm): fixtures that say what is answered to what, chaos, and a journal."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.origin = program.url
        self.base_url = f"{program.url}/v1"

    def answer(self, response: dict[str, Any], *, times: int | None = None, **more: Any) -> None:
        """Answer every request so, after the answers given before for ``times`` requests each.

        ``more`` stands beside ``match`` and ``response`` in the fixture: latency, chaos, ….
        """
        first = self._count
        last = 1 if times is None else times
        for place in range(last):
            match = {} if times is None else {"sequenceIndex": first + place}
            self.fixture(match, response, **more)
        self._count += last

    def fixture(self, match: dict[str, Any], response: dict[str, Any], **more: Any) -> None:
        """Add a fixture; the first that matches answers."""
        fixtures = [{"match": match, "response": response, **more}]
        self._program.call("POST", "/__aimock/fixtures", {"fixtures": fixtures})

    def fail_once(self, status: int, message: str) -> None:
        """Answer one request with an error status."""
        body = {"message": message, "type": "server_error", "code": "once"}
        self._program.call("POST", "/__aimock/error", {"status": status, "body": body})

    def chaos(self, **rates: float) -> None:
        """Set the rates of faults for every request."""
        self._program.call("POST", "/__aimock/chaos", rates)

    def reset(self) -> None:
        """Forget fixtures, chaos and journal."""
        self._program.call("DELETE", "/__aimock/chaos")
        self._program.call("POST", "/__aimock/reset")
        self._count = 0

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The journal: requests in the form of chat, whatever the endpoint, and responses."""
        return list(self._program.call("GET", "/__aimock/journal"))

    @property
    def statuses(self) -> list[int]:
        """What was answered; 0 where the connection was closed."""
        return [request["response"]["status"] for request in self.requests]
