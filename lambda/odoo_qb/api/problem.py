"""What the API answers instead of what was asked for: a status and a sentence, as problem+json."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.exact_json import Json

MEDIA_TYPE: Final = "application/problem+json"  # https://www.rfc-editor.org/rfc/rfc9457


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A request that is answered with `status` and a sentence: what is wrong, then what to do.

    The sentence is for whoever wrote the client. It repeats nothing of another system's answer,
    and of the request only what is short. `headers` go with the answer, such as Retry-After.
    """

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = HTTPStatus(status)
        self.detail = detail
        self.headers = dict(headers or {})

    @property
    def title(self) -> str:
        """The status in words: "Not Found"."""
        return self.status.phrase

    def as_answer(self) -> Json:
        """The answer's body."""
        return {"title": self.title, "status": int(self.status), "detail": self.detail}
