#!/usr/bin/env python3
"""Record what an agent does with a jrweb server. Python's standard library alone.

    with Session("my-task", agent="my-agent") as session:
        session.append("assistant", content="Hello")

The session ends as succeeded, or as failed when an exception leaves the block.
"""

import json
import os
import time
import urllib.error
import urllib.request
import uuid


class Session:
    """A session of a task. Not for several threads at once."""

    def __init__(self, task, url=None, **start):
        base = (url or os.environ.get("JRWEB_URL", "http://127.0.0.1:7070")).rstrip("/")
        self._sessions = f"{base}/tasks/{task}/sessions"
        self.id = _post(self._sessions, start)["id"]

    def append(self, type, **data):
        """Append an event; it is on the server's disk when this returns."""
        return _post(f"{self._sessions}/{self.id}/events", {"type": type, "data": data})

    def heartbeat(self):
        """Say that we are alive, if the session was started with lease_seconds."""
        _post(f"{self._sessions}/{self.id}/heartbeat", None)

    def complete(self, status="succeeded", reason=""):
        """End the session for good."""
        return _post(f"{self._sessions}/{self.id}/complete", {"status": status, "reason": reason})

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None:
            self.complete()
        else:
            self.complete("failed", f"{kind.__name__}: {error}")


def _post(url, body, attempts=8):
    """Send a request until it is certain what became of it. The key makes it safe."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    token = os.environ.get("JRWEB_TOKEN")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = b"" if body is None else json.dumps(body).encode()
    for attempt in range(attempts):
        request = urllib.request.Request(url, data=data, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refused:
            if refused.code < 500:
                detail = json.loads(refused.read() or b"{}").get("detail", refused.reason)
                raise RuntimeError(f"jrweb: {refused.code}: {detail}") from None
            last = refused
        except OSError as away:
            last = away
        time.sleep(min(0.1 * 2**attempt, 5))
    raise last


if __name__ == "__main__":
    import sys

    with Session(sys.argv[1], agent="python") as session:
        session.append("assistant", content="I add two numbers.")
        session.append("tool_call", tool="add", args={"numbers": [1, 2]}, call_id="1")
        session.append("tool_result", tool="add", success=True, output=str(1 + 2), call_id="1")
        print(session.id)
