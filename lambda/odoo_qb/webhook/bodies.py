"""Make a message's body, with what the table has to add: a large content, a partner's address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from odoo_qb.errors import Refused
from odoo_qb.mirror.content import data_of
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.webhook_content import WebhookContent
from odoo_qb.webhook.body import body_of, partner_of

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from odoo_qb.store.sorted_table import SortedTable
    from odoo_qb.webhook.message import Message


class NotMirroredYet(Exception):  # noqa: N818 - it is no error: the mirror's next run has it
    """The contact of a new document, or a document's new one, may be mirrored in a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """Builds bodies; `table` is the mirror's. One GetItem for each, two where content is large."""

    table: SortedTable

    def body_of(self, message: Message, *, may_wait: bool = False) -> str:
        """The body as it is to be sent; Refused if its content is no longer kept.

        Contacts are mirrored before documents, so one that was made together with its document may
        be missing for a run. NotMirroredYet if the body `may_wait` for that.
        """
        whole = self.whole(message)
        contact = self.contact_of(whole)
        is_new = whole.event == "created" or "partner_id" in whole.changed
        if may_wait and is_new and not whole.replay_id and contact is None and partner_of(whole):
            raise NotMirroredYet
        return body_of(whole, contact)

    def whole(self, message: Message) -> Message:
        """The message with its content; Refused if that is no longer kept."""
        if not message.content_key:
            return message
        data = WebhookContent(self.table).read(message.content_key)
        if data is None:
            raise Refused(
                f"The content of {message.message_id} is no longer kept.",
                remedy="Use a replay to send the record's current state.",
            )
        return replace(message, data=data)

    def contact_of(self, message: Message) -> Json | None:
        """The served fields of the contact that a document names, if it is mirrored."""
        partner = partner_of(message)
        if not partner:
            return None
        item = self.table.get(*keys.record(message.connection, "contact", partner))
        return data_of(item) if item else None
