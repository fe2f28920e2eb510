"""The kinds of records that a mirror reads from Odoo: their models, whose they are, who may read.

No I/O of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.odoo import served_fields as served
from odoo_qb.odoo.scope import ACCOUNTING, INTERNAL

if TYPE_CHECKING:
    from odoo_qb.odoo.served_fields import Served
    from odoo_qb.sources import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """What is read of a model: `domain` selects records, `group` is the group that may read it.

    `company` are the names of the company field, of which a version has one. `lost` are fields that
    Odoo 19 no longer has.
    """

    model: str
    served: tuple[Served, ...]
    group: str = ACCOUNTING
    domain: tuple[list[object], ...] = ()
    company: tuple[str, ...] = ("company_id",)
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(ServedModel):
    """The lines of a document: `parent` refers to it, `ids` is the document's list of them."""

    name: str
    parent: str
    ids: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedKind(ServedModel):
    """A kind: `title` is its word in a sentence, `partner` the field with its contact."""

    title: str
    partner: tuple[str, ...] = ("partner_id",)
    lines: Lines | None = None


_ORDER_LINES: Final = Lines(
    name="order_lines",
    model="sale.order.line",
    parent="order_id",
    ids="order_line",
    served=served.ORDER_LINE,
)
_INVOICE_LINES: Final = Lines(
    name="invoice_lines",
    model="account.move.line",
    parent="move_id",
    ids="invoice_line_ids",
    served=served.MOVE_LINE,
    # Other journal rows are not lines of the document. Only 19 has subsections.
    domain=(["display_type", "in", ["product", "line_section", "line_subsection", "line_note"]],),
)
SERVED_KINDS: Final[dict[Kind, ServedKind]] = {
    "contact": ServedKind(
        model="res.partner",
        title="Contact",
        served=served.CONTACT,
        group=INTERNAL,
        partner=("parent_id", "commercial_partner_id"),
        lost=frozenset({"mobile"}),
    ),
    "move": ServedKind(
        model="account.move",
        title="Document",
        served=served.MOVE,
        domain=(["move_type", "!=", "entry"],),
        lines=_INVOICE_LINES,
    ),
    "payment": ServedKind(model="account.payment", title="Payment", served=served.PAYMENT),
    "order": ServedKind(model="sale.order", title="Order", served=served.ORDER, lines=_ORDER_LINES),
    "account": ServedKind(
        model="account.account",
        title="Account",
        served=served.ACCOUNT,
        group=INTERNAL,
        company=("company_ids", "company_id"),
        partner=(),
    ),
    "transaction": ServedKind(
        model="account.move.line",
        title="Journal item",
        served=served.TRANSACTION,
        # Sections and notes are rows of the journal too, without an account.
        domain=(["account_id", "!=", False],),
    ),
}
