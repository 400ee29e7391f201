"""Headless Chromium, driven through a pipe with the Chrome DevTools Protocol.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Final, Self

import pytest

_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
#: Seconds for one answer of Chromium, and for a condition. A machine of CI can be busy with other tests.
_PATIENCE: Final = 180


class Page:
    """A page in a new Chromium. `requests` contains the URLs that the page and its workers requested."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("chromium")
        if program is None:
            pytest.skip("chromium is not on this machine")
        self.requests: list[str] = []
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # Chromium reads from file descriptor 3 and writes to 4.
        redirected = ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "bash"]
        with (folder / "chromium.log").open("w") as log:
            self._process = subprocess.Popen(
                [*redirected, program, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
                pass_fds=(to_browser, from_browser),
                stdout=log,
                stderr=log,
            )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self._sent = 0
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._observe(self._session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._write)  # Chromium exits when its pipe is closed
        self._process.wait(_PATIENCE)
        os.close(self._read)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, for the page unless `session` is another target, and return its result."""
        number = self._send(method, session or self._session, parameters)
        while number not in self._answers:
            self._receive()
        answer = self._answers.pop(number)
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript in the page, wait if it is a promise, and return its value."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression of JavaScript is true."""
        end = time.monotonic() + _PATIENCE
        while not self.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < end, f"{condition}: {self.evaluate('document.body.innerText')[-2000:]}"
            time.sleep(0.1)

    def open(self, url: str) -> None:
        """Load a page, and wait until its scripts have run."""
        self.call("Page.navigate", url="about:blank")  # otherwise, another fragment would load nothing
        self.call("Page.navigate", url=url)
        self.wait_for("location.href !== 'about:blank' && document.readyState === 'complete'")

    def _observe(self, session: str) -> None:
        """Record the requests of a target and of the workers that it starts."""
        self._send("Network.enable", session, {})
        self._send(
            "Target.setAutoAttach", session, {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        )
        self._send("Runtime.runIfWaitingForDebugger", session, {})

    def _send(self, method: str, session: str | None, parameters: dict[str, Any]) -> int:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        os.write(self._write, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        return self._sent

    def _receive(self) -> None:
        """Read from Chromium, and handle the messages that are complete."""
        assert select.select([self._read], [], [], _PATIENCE)[0], "Chromium does not answer"
        received = os.read(self._read, 1 << 20)
        assert received, "Chromium has stopped"
        *messages, self._buffer = (self._buffer + received).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            elif message["method"] == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            elif message["method"] == "Target.attachedToTarget" and self._session:
                self._observe(message["params"]["sessionId"])
