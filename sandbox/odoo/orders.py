"""What salespeople do with orders in the sandbox's Odoo: quote, confirm, cancel, delete."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.odoo.records import Records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sandbox.odoo.query import Record


type Line = tuple[str, str, str]  # text, quantity and unit price


class Orders(Records):
    """Sales orders; `at` is the start of the transaction that a change is made in."""

    def new_order(
        self,
        customer: int,
        lines: Sequence[Line] = (("Supplements, case", "2", "35.41"),),
        *,
        company: int = 1,
        at: datetime | None = None,
    ) -> int:
        """Quote these lines (text, quantity, unit price) to a customer, without taxes."""
        with self.lock:
            at = at or self.clock()
            order = self.add("sale.order", self.blank("sale.order"), at)
            order |= {
                "name": f"S{order['id']:05}",
                "state": "draft",
                "partner_id": customer,
                "partner_invoice_id": customer,
                "company_id": company,
                "currency_id": self.records["res.company"][company]["currency_id"],
                "date_order": at.replace(microsecond=0),
                "invoice_status": "no",
                "user_id": 2,
            }
            self._set_lines(order, lines, at)
            return int(order["id"])

    def amend_order(
        self,
        order: int,
        *,
        lines: Sequence[Line] | None = None,
        at: datetime | None = None,
        **changes: object,
    ) -> None:
        """Write new values (and new lines); new lines change the total, which is the order's."""
        with self.lock:
            at = at or self.clock()
            record = self.records["sale.order"][order]
            record |= changes | {"write_date": at}
            if lines is not None:
                for line in record["order_line"]:
                    del self.records["sale.order.line"][line]
                self._set_lines(record, lines, at)

    def send_order(self, order: int, *, at: datetime | None = None) -> None:
        """Send a quotation to the customer."""
        self._move_on(order, ("draft",), "sent", at)

    def confirm_order(self, order: int, *, at: datetime | None = None) -> None:
        """Confirm a quotation, which sets the order's date to now."""
        with self.lock:
            at = at or self.clock()
            record = self._move_on(order, ("draft", "sent"), "sale", at)
            record |= {"date_order": at.replace(microsecond=0), "invoice_status": "to invoice"}

    def cancel_order(self, order: int, *, at: datetime | None = None) -> None:
        """Cancel a quotation or an order."""
        self._move_on(order, ("draft", "sent", "sale"), "cancel", at)["invoice_status"] = "no"

    def delete_order(self, order: int) -> None:
        """Delete a quotation or a cancelled order with its lines, ValueError for any other."""
        with self.lock:
            record = self.records["sale.order"][order]
            if record["state"] not in ("draft", "cancel"):
                raise ValueError("a sent quotation or a confirmed order must be cancelled first")
            for line in record["order_line"]:
                del self.records["sale.order.line"][line]
            del self.records["sale.order"][order]

    def _move_on(
        self, order: int, states: tuple[str, ...], state: str, at: datetime | None
    ) -> Record:
        with self.lock:
            at = at or self.clock()
            record = self.records["sale.order"][order]
            if record["state"] not in states:
                raise ValueError(f"{record['name']} is {record['state']}: it cannot become {state}")
            record |= {"state": state, "write_date": at}
            for line in record["order_line"]:  # which keep their order's state
                self.records["sale.order.line"][line] |= {"state": state, "write_date": at}
            return record

    def _set_lines(self, order: Record, lines: Sequence[Line], at: datetime) -> None:
        total = Decimal(0)
        order["order_line"] = []
        for position, (text, quantity, price) in enumerate(lines):
            amount = round(Decimal(quantity) * Decimal(price), 2)
            total += amount
            line = self.add("sale.order.line", self.blank("sale.order.line"), at)
            line |= {
                "order_id": order["id"],
                "name": text,
                "sequence": 10 + position,
                "product_uom_qty": float(quantity),
                "price_unit": float(price),
                "price_subtotal": float(amount),
                "price_total": float(amount),
                "tax_id": [],
                "state": order["state"],
                "company_id": order["company_id"],
                "currency_id": order["currency_id"],
                "order_partner_id": order["partner_id"],
            }
            order["order_line"].append(line["id"])
        order |= {"amount_untaxed": float(total), "amount_tax": 0.0, "amount_total": float(total)}
