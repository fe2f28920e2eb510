"""The companies of a connection to Odoo, and calls within them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from odoo_qb.errors import Refused
from odoo_qb.odoo.values import by_id, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.odoo.client import OdooClient

# Groups to add to a user, by their names in Odoo.
ACCOUNTING: Final = (
    "Show Accounting Features - Readonly (in developer mode) or, where that is missing, Invoicing"
)
INTERNAL: Final = "Internal User"

_NO_COMPANY: Final = "unauthorized or invalid companies"
_NO_RIGHT: Final = "(You are not allowed to access"


class Scope:
    """Companies by id or name; all of the user's if none is named.

    Answers include archived records. If the user may not read something, Refused names the group to
    add.
    """

    def __init__(self, odoo: OdooClient, companies: Sequence[int | str] = ()) -> None:
        self.odoo = odoo
        self._named = tuple(companies)
        self._seen: dict[int, str] = {}
        self._ids: list[int] | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether it is limited to certain companies."""
        return bool(self._named)

    def ids(self) -> list[int]:
        """The companies' ids, read once; Refused if the user does not see one."""
        if self._ids is None:
            numbers = [company for company in self._named if isinstance(company, int)]
            is_known = self.is_narrow and len(numbers) == len(self._named)
            self._ids = numbers if is_known else self._looked_up()
        return self._ids

    def names(self) -> list[str]:
        """The companies' current names in Odoo."""
        self._ids = self._looked_up()
        return [self._seen[number] for number in self._ids]

    def call(
        self,
        model: str,
        method: str,
        subject: object,
        *,
        group: str,
        allowed: Sequence[int] | None = None,
        **named: object,
    ) -> Any:  # noqa: ANN401 - Odoo's JSON
        """Like OdooClient.call. `allowed` are the companies in the context, the active one first.

        Without it, the connection's companies are used; if it is empty, all of the user's.
        """
        if allowed is None:
            allowed = self.ids() if self.is_narrow else ()
        context: dict[str, object] = {"active_test": False}
        if allowed:
            context["allowed_company_ids"] = list(allowed)
        try:
            return self.odoo.call(model, method, subject, **named, context=context)
        except Refused as refused:
            if not refused.code.endswith("AccessError"):
                raise
            raise self._no_access(model, group, refused) from refused

    def _no_access(self, model: str, group: str, refused: Refused) -> Refused:
        """What the user lacks: a company, a group or, by a rule, some of the records."""
        user = f"The Odoo user {self.odoo.username}"
        if _NO_COMPANY in str(refused):
            sentence = (
                f"{user} has no access to a company of this connection: add the company to the"
                " user in Odoo, or remove it from the connection."
            )
        elif _NO_RIGHT in str(refused):
            sentence = f"{user} may not read {model}: add the group {group} to this user in Odoo."
        else:
            sentence = (
                f"{user} may not see some records of {model}: check this user's companies and the"
                " record rules in Odoo."
            )
        return Refused(sentence, code=refused.code)

    def _looked_up(self) -> list[int]:
        rows = self.odoo.call("res.company", "search_read", [], fields=["name"], order="id")
        self._seen = {number: text_of(row["name"]) for number, row in by_id(rows).items()}
        by_name = {name: number for number, name in self._seen.items()}
        found = [by_name.get(c, 0) if isinstance(c, str) else c for c in self._named]
        for company, number in zip(self._named, found, strict=True):
            if number not in self._seen:
                raise Refused(
                    f"The Odoo user {self.odoo.username} has no access to the company {company},"
                    f" only to {', '.join(sorted(by_name))}: check the companies of this"
                    " connection."
                )
        return found or list(self._seen)


def lacks_model(refused: Refused, model: str) -> bool:
    """Whether Odoo refused because it lacks the model, in any version and protocol."""
    if refused.code.endswith("KeyError"):  # by a session, in 16 and 17
        return f"'{model}'" in str(refused)
    if refused.code.endswith("NotFound"):  # by a session without the name, by /json/2 with it
        return "method" not in str(refused)
    return f"Object {model} doesn't exist" in str(refused)
