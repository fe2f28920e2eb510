"""What Slack answers when it refuses a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.slack.payloads import Json


class RefusalError(Exception):
    """The answer is `{"ok": false, "error": code}` with `more`; `status` unless it is 200."""

    def __init__(
        self, code: str, more: Json | None = None, *, status: int = 200, retry_after: int = 0
    ) -> None:
        super().__init__(code)
        self.answer: Json = {"ok": False, "error": code, **(more or {})}
        self.status = status
        self.headers = {"Retry-After": str(retry_after)} if retry_after else {}


def refuse_problems(found: list[str], code: str) -> None:
    """Refuse a message or a modal in which there are problems."""
    if found:
        raise RefusalError(code, explained(found))


def explained(found: list[str]) -> Json:
    """Problems as a refusal carries them."""
    messages = [f"[ERROR] {problem}" for problem in found]
    return {"errors": found, "response_metadata": {"messages": messages}}
