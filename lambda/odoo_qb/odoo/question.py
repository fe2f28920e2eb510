"""A call to Odoo, independent of the protocol. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

# The name of a method's subject in /json/2; for all other methods it is a domain.
_SUBJECTS: Final = {"read": "ids", "web_read": "ids", "fields_get": "allfields"}
_WITHOUT: Final = frozenset({"context_get"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call to a reading method: `subject` is its first argument, `named` are the others."""

    model: str
    method: str
    subject: object = None
    named: dict[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> list[object]:
        """The positional arguments, as in JSON-RPC."""
        return [] if self.method in _WITHOUT else [self.subject]

    @property
    def body(self) -> dict[str, Any]:
        """All arguments by name, as in /json/2."""
        if self.method in _WITHOUT:
            return self.named
        return {_SUBJECTS.get(self.method, "domain"): self.subject, **self.named}


class Transport(Protocol):
    """A protocol for calls to Odoo. Unavailable if a later try may work, Refused otherwise."""

    def sign_in(self) -> None:
        """Sign in, if that is needed and not done yet."""

    def ask(self, question: Question) -> object:
        """Odoo's answer, whatever its shape; one try."""
