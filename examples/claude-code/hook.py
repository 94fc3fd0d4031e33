#!/usr/bin/env python3
"""A hook of Claude Code that shows its prompts, tools and results in jrweb.

It reads one hook's JSON from standard input. It never fails and never waits for long:
the agent must not feel it.
"""

import json
import os
import re
import sys
import urllib.request


def text(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def event(hook):
    """The event that a hook reports, or None."""
    name, call = hook.get("hook_event_name"), hook.get("tool_use_id")
    if name == "UserPromptSubmit":
        return {"type": "user", "actor": "human", "data": {"content": text(hook.get("prompt", ""))}}
    if name == "PreToolUse":
        data = {"tool": hook["tool_name"], "args": hook.get("tool_input") or {}}
    elif name == "PostToolUse":
        response = hook.get("tool_response")
        failed = isinstance(response, dict) and (response.get("is_error") or response.get("success") is False)
        data = {"tool": hook["tool_name"], "success": not failed, "output": text(response)[:100_000]}
    elif name == "SessionEnd":
        return {"type": "complete", "data": {"status": "succeeded", "reason": text(hook.get("reason", ""))}}
    else:
        return None
    if call:
        data["call_id"] = call
    return {"type": "tool_call" if name == "PreToolUse" else "tool_result", "data": data}


def main():
    hook = json.load(sys.stdin)
    found = event(hook)
    if not found:
        return
    task = os.environ.get("JRWEB_TASK") or "claude-" + re.sub(r"[^A-Za-z0-9._-]", "-", hook["session_id"])[:100]
    base = os.environ.get("JRWEB_URL", "http://127.0.0.1:7070").rstrip("/")
    headers = {"Content-Type": "application/json"}
    if os.environ.get("JRWEB_TOKEN"):
        headers["Authorization"] = "Bearer " + os.environ["JRWEB_TOKEN"]
    request = urllib.request.Request(f"{base}/tasks/{task}/events", json.dumps(found).encode(), headers)
    urllib.request.urlopen(request, timeout=2).close()


try:
    main()
except Exception:  # whatever it is: the agent goes on
    pass
