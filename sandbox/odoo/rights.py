"""What Odoo says to those who lack a right, in the words of each version."""

from __future__ import annotations

from typing import Final, Literal

from sandbox.odoo.errors import V16, V18, OdooError, access_error, for_version

type _Groups = dict[str, dict[int, tuple[str, ...]]]
type Act = Literal["access", "modify", "delete"]

_TITLES: Final = {
    "account.move": "Journal Entry",
    "account.move.line": "Journal Item",
    "account.payment": "Payments",
    "ir.attachment": "Attachment",
    "res.partner": "Contact",
    "sale.order": "Sales Order",
}
_READONLY: Final = "Technical/Show Accounting Features - Readonly"
_PORTAL: Final = "User types/Portal"
_FULL: Final = "Technical/Show Full Accounting Features"
_SELLER: Final = "Sales/User: Own Documents Only"
_SALES: Final = ("Sales/Administrator", _SELLER)
# The groups that may read a model, by the first version that names them so.
_READERS: Final[_Groups] = {
    "account.move": {
        16: ("Invoicing/Billing", "Invoicing/Billing Administrator", _READONLY, _PORTAL),
        18: ("Invoicing/Administrator", "Invoicing/Invoicing", _READONLY, _PORTAL),
        19: (
            "Accounting/Administrator",
            "Accounting/Invoicing",
            "Role / Portal",
            "Show Accounting Features - Readonly",
        ),
    },
    "account.move.line": {
        16: ("Invoicing/Billing", "Invoicing/Billing Administrator", _SELLER, _READONLY, _PORTAL),
        18: ("Invoicing/Administrator", "Invoicing/Invoicing", _SELLER, _READONLY, _PORTAL),
        19: (
            "Accounting/Administrator",
            "Accounting/Invoicing",
            _SELLER,
            "Role / Portal",
            "Show Accounting Features - Readonly",
        ),
    },
    "account.payment": {
        16: ("Invoicing/Billing", _READONLY),
        18: ("Invoicing/Invoicing", _READONLY),
        19: ("Accounting/Invoicing", "Show Accounting Features - Readonly"),
    },
    "sale.order": {
        16: ("Invoicing/Billing", *_SALES, _READONLY, _FULL, _PORTAL),
        18: ("Invoicing/Invoicing", *_SALES, _READONLY, _FULL, _PORTAL),
        19: (
            "Accounting/Invoicing",
            *_SALES,
            "Role / Portal",
            "Show Accounting Features - Readonly",
            "Show Full Accounting Features",
        ),
    },
}
_WRITERS: Final[_Groups] = {
    "account.move": {
        16: ("Invoicing/Billing",),
        18: ("Invoicing/Invoicing",),
        19: ("Accounting/Invoicing",),
    },
    "res.partner": {16: ("Extra Rights/Contact Creation",), 19: ("Contact/Creation",)},
}


def no_right(version: int, model: str, act: Act) -> OdooError:
    """A model that none of the user's groups opens."""
    by_model = _READERS if act == "access" else _WRITERS
    groups = for_version(by_model.get(model, by_model["account.move"]), version)
    listed = "".join(f"\t- {group}\n" for group in groups)
    return access_error(
        f"You are not allowed to {act} '{_TITLES.get(model, model)}' ({model}) records.\n\n"
        f"This operation is allowed for the following groups:\n{listed}\n"
        "Contact your administrator to request access if necessary."
    )


def hidden(version: int, model: str, record: str, user: str) -> OdooError:
    """The refusal to show a record (its name and id) that exists."""
    title = _TITLES.get(model, model)
    if version == V16 and model == "ir.attachment":
        return no_right(version, "account.move", "access")
    if version == V16:
        return access_error(
            f"Due to security restrictions, you are not allowed to access '{title}' ({model})"
            f" records.\n\nRecords: {record}\nUser: {user}\n\n"
            "This restriction is due to the following rules:\n- Account Entry\n\n"
            "Note: this might be a multi-company issue.\n\n"
            "Contact your administrator to request access if necessary."
        )
    text = (
        "Uh-oh! Looks like you have stumbled upon some top-secret records.\n\n"
        f"Sorry, {user} doesn't have 'read' access to:\n- {title} ({model})\n\n"
        "If you really, really need access, perhaps you can win over your friendly"
        " administrator with a batch of freshly baked cookies."
    )
    if model != "ir.attachment" and version >= V18:
        text += (
            "\n\nThis seems to be a multi-company issue, but you do not have access to the"
            " proper company to access the record anyhow."
        )
    return access_error(text)
