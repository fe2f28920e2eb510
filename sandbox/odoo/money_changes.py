"""Random changes to documents and payments in the sandbox's Odoo."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.odoo.picks import Picks

if TYPE_CHECKING:
    from collections.abc import Callable


class MoneyChanges(Picks):
    """Each method makes one change and gives the record's id, or None where there is none."""

    # -- invoices, bills and their likes -------------------------------------------------------

    def new_document(self) -> int | None:
        """An invoice, a bill or a credit note, one in three left a draft."""
        company = self._company()
        return self.odoo.new_bill(
            reference=f"REF-{self.random.randrange(10**9)}",
            lines=self._lines(),
            company=company,
            vendor=self._partner(company),
            move_type=self.random.choice(("out_invoice", "out_invoice", "in_invoice", "in_refund")),
            state=self.random.choice(("posted", "posted", "draft")),
            bill_date=self._day(),
            currency=self.odoo.records["res.company"][company]["currency_id"],
        )

    def amend_document(self) -> int | None:
        """Another reference; a draft gets other lines as well."""
        document = self._document(lambda row: row["state"] != "cancel")
        if document:
            is_draft = self.odoo.records["account.move"][document]["state"] == "draft"
            reference = f"REF-{self.random.randrange(10**9)}"
            self.odoo.amend(document, lines=self._lines() if is_draft else None, ref=reference)
        return document

    def post_document(self) -> int | None:
        """A draft that has all it needs."""
        document = self._document(
            lambda row: (
                row["state"] == "draft"
                and bool(row["partner_id"] and row["invoice_date"])
                and row["amount_total"] >= 0
            )
        )
        if document:
            self.odoo.post(document)
        return document

    def cancel_document(self) -> int | None:
        """A draft that comes to nothing."""
        document = self._document(lambda row: row["state"] == "draft")
        if document:
            self.odoo.cancel(document)
        return document

    def reset_document(self) -> int | None:
        """A posted document without payments, or a cancelled one, to work on."""
        document = self._document(
            lambda row: (
                row["state"] == "cancel"
                or (row["state"] == "posted" and row["payment_state"] == "not_paid")
            )
        )
        if document:
            self.odoo.reset_to_draft(document)
        return document

    def delete_document(self) -> int | None:
        """A draft, with its rows."""
        document = self._document(lambda row: row["state"] == "draft")
        if document:
            self.odoo.delete(document)
        return document

    # -- payments ------------------------------------------------------------------------------

    def pay_document(self) -> int | None:
        """All or half of what is open."""
        document = self._document(
            lambda row: (
                row["state"] == "posted"
                and row["amount_residual"] >= 1
                and row["payment_state"] in ("not_paid", "partial")
            )
        )
        if document is None:
            return None
        left = Decimal(str(self.odoo.records["account.move"][document]["amount_residual"]))
        amount = left if self.random.random() < 0.7 else round(left / 2, 2)  # noqa: PLR2004 - most pay all
        return self.odoo.pay_invoice(document, str(amount), date=self._day())

    def new_payment(self) -> int | None:
        """On account, one in three left a draft."""
        company = self._company()
        return self.odoo.new_payment(
            self._partner(company),
            self._amount(),
            payment_type=self.random.choice(("inbound", "outbound")),
            company=company,
            memo=self._text(),
            date=self._day(),
            state=self.random.choice(("posted", "posted", "draft")),
        )

    def post_payment(self) -> int | None:
        """A draft."""
        return self._to_payment(("draft",), self.odoo.post_payment)

    def amend_payment(self) -> int | None:
        """Another memo."""
        payment = self._payment("draft", "in_process", "paid")
        if payment:
            self.odoo.amend_payment(payment, memo=self._text())
        return payment

    def reset_payment(self) -> int | None:
        """What it settled is open again."""
        return self._to_payment(("in_process", "paid"), self.odoo.reset_payment)

    def cancel_payment(self) -> int | None:
        """Whatever it was."""
        return self._to_payment(("draft", "in_process", "paid"), self.odoo.cancel_payment)

    def delete_payment(self) -> int | None:
        """A draft or a cancelled one."""
        return self._to_payment(("draft", "canceled"), self.odoo.delete_payment)

    def _to_payment(self, states: tuple[str, ...], act: Callable[[int], None]) -> int | None:
        payment = self._payment(*states)
        if payment:
            act(payment)
        return payment
