"""What is asked of Odoo, however it is sent. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

# What /json/2 calls that which a method is about; all others are about a domain.
_SUBJECTS: Final = {"read": "ids", "web_read": "ids", "fields_get": "allfields"}
_WITHOUT: Final = frozenset({"context_get"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call to a method that reads: `subject` is its first argument, `named` are the others."""

    model: str
    method: str
    subject: object = None
    named: dict[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> list[object]:
        """The arguments without names, as JSON-RPC has them."""
        return [] if self.method in _WITHOUT else [self.subject]

    @property
    def body(self) -> dict[str, Any]:
        """All arguments by name, as /json/2 has them."""
        if self.method in _WITHOUT:
            return self.named
        return {_SUBJECTS.get(self.method, "domain"): self.subject, **self.named}


class Transport(Protocol):
    """A way to ask Odoo. It raises Unavailable when a later try may work, Refused otherwise."""

    def sign_in(self) -> None:
        """Sign in where that is needed and not yet done."""

    def ask(self, question: Question) -> object:
        """Odoo's answer, whatever its shape; one try."""
