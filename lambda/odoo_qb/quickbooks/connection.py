"""The connection to a QuickBooks company: its tokens, and whether it still works."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from botocore.exceptions import ClientError

from odoo_qb import table_keys
from odoo_qb.errors import Conflict, Disconnected, Unavailable
from odoo_qb.quickbooks.token_endpoint import FIVE_YEARS, HARD_END, TokenEndpoint
from odoo_qb.store.lease import Lease
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_secretsmanager import SecretsManagerClient

    from odoo_qb.exact_json import Json
    from odoo_qb.store.table import Table

_LEASE: Final = timedelta(seconds=60)  # longer than two token requests may take
_PAUSE: Final = 1.0
_TRIES: Final = 30
_WRITE: Final = "write"
_TRIAL_AFTER: Final = timedelta(hours=1)
_OF_THE_END: Final = ("reason", "code", "since", "by", "tried_at")  # attributes of the note
Standing = Literal["open", "closed", "on trial"]
# A new access token disproves these failures; any other is disproved only by a call.
_OF_THE_TOKEN: Final = frozenset({"invalid_grant", "invalid_client", ""})
# Reported even if the company is already closed to us: each has its own remedy.
_ENDED: Final = ("invalid_grant", "invalid_client")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A company's tokens, as its secret stores them; `seed` is a fingerprint of Terraform's token.

    `previous` is the refresh token before this one; instants are ISO, UTC.
    """

    seed: str
    refresh_token: str
    previous: str = ""
    access_token: str = ""
    expires_at: str = ""
    refresh_expires_at: str = ""


class Connection:
    """One company's tokens: read from its secret, renewed by one process at a time.

    New tokens are stored before they are used. `seed_token` is the refresh token given to
    Terraform: a new one replaces the rotated one, an empty one leaves it as it is. The table's note
    `connection#<company>` has the state (CONNECTED or NEEDS_RECONNECT) and the lease for renewing,
    and no secrets.
    """

    def __init__(
        self,
        *,
        company: str,
        table: Table,
        secrets: SecretsManagerClient,
        secret_id: str,
        seed_token: str,
        client_id: str,
        client_secret: str,
        oauth_url: str,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._note_id = table_keys.connection(company)
        self._table = table
        self._lease = Lease(table=table, note_id=self._note_id, lasts=_LEASE)
        self._secrets = secrets
        self._secret_id = secret_id
        self._seed_token = seed_token
        self._seed = hashlib.sha256(seed_token.encode()).hexdigest()[:16]
        self._auth = TokenEndpoint(client_id, client_secret, oauth_url)
        self._clock = clock
        self._sleep = sleep
        self._tokens: Tokens | None = None

    def access_token(self) -> str:
        """The token for the next call, renewed only when its hour is over.

        If it expires on the way, QuickBooks rejects it and `replace` is called.
        """
        tokens = self._tokens or self._stored()
        if tokens.expires_at <= stamp(self._clock()):
            tokens = self._renew(tokens.access_token)
        self._tokens = tokens
        return tokens.access_token

    def replace(self, rejected: str) -> None:
        """Get a new access token after QuickBooks rejected one early."""
        self._tokens = self._renew(rejected)

    def keep_alive(self) -> int:
        """Renew the token if its hour is over; returns the days until a person must reconnect."""
        tokens = self._stored()
        is_due = self.is_broken() or tokens.expires_at <= stamp(self._clock())
        self._tokens = tokens = self._renew(tokens.access_token) if is_due else tokens
        left = datetime.fromisoformat(tokens.refresh_expires_at) - self._clock()
        return left.days

    def is_broken(self) -> bool:
        """Whether it is known to be broken and no new refresh token was applied since."""
        return self._is_dead(self._table.read_note(self._note_id))

    def knows(self, refusal: Disconnected) -> bool:
        """Whether this refusal was reported already; the end of a token always is a new report."""
        note = self._table.read_note(self._note_id)
        is_news = refusal.code in _ENDED and note.get("code") not in _ENDED
        return self._is_dead(note) and not is_news

    def standing(self) -> Standing:
        """Whether a bill may be posted; "on trial" if only posting one can tell.

        A company that refused a write, such as one with a read-only subscription, can still be
        read. Once an hour a bill is posted to find out.
        """
        note = self._table.read_note(self._note_id)
        if not self._is_dead(note):
            return "open"
        is_due = str(note.get("tried_at", "")) <= stamp(self._clock() - _TRIAL_AFTER)
        return "on trial" if note.get("by") == _WRITE and is_due else "closed"

    def note_works(self, *, wrote: bool = False) -> None:
        """Record that a call succeeded: a company that was closed to us is open again.

        One that refused a write is opened only by a write.
        """
        note = self._table.read_note(self._note_id)
        if self._is_dead(note) and (wrote or note.get("by") != _WRITE):
            self._note_connected(self._stored())

    def note_broken(self, refusal: Disconnected) -> bool:
        """Record that it is broken, or another reason for it; True for the first to notice."""
        now = stamp(self._clock())
        is_other = " OR NOT #code IN (:grant, :client)" if refusal.code in _ENDED else ""
        failure: Json = {"reason": str(refusal), "code": refusal.code}
        if refusal.on_write:
            failure |= {"by": _WRITE, "tried_at": now}
        try:
            self._table.write_note(
                self._note_id,
                {"state": "NEEDS_RECONNECT", "seed": self._seed, **failure, "since": now},
                remove=[] if refusal.on_write else ["by", "tried_at"],
                condition=(
                    "attribute_not_exists(#state) OR #state <> :dead OR #seed <> :seed" + is_other
                ),
                condition_values={"dead": "NEEDS_RECONNECT"}
                | (dict(zip(("grant", "client"), _ENDED, strict=True)) if is_other else {}),
            )
        except Conflict:
            if refusal.on_write:
                self._table.write_note(self._note_id, failure)
            return False
        return True

    def _is_dead(self, note: Json) -> bool:
        is_same = note.get("seed") == self._seed or not self._seed_token
        return note.get("state") == "NEEDS_RECONNECT" and is_same

    def _renew(self, stale: str) -> Tokens:
        """Get new tokens, unless another process did while this one waited for the lease.

        Two renewals at once may end the connection: Intuit may revoke both.
        """
        for _ in range(_TRIES):
            tokens = self._stored()
            if tokens.access_token != stale and tokens.expires_at > stamp(self._clock()):
                return tokens
            lease = self._lease.take(self._clock())
            if lease:
                try:
                    return self._renewed(self._stored(), stale)
                finally:
                    self._lease.give_back(lease)
            self._sleep(_PAUSE)
        raise Unavailable("Another process is renewing the QuickBooks token.")

    def _renewed(self, tokens: Tokens, stale: str) -> Tokens:
        now = self._clock()
        if tokens.access_token != stale and tokens.expires_at > stamp(now):
            return tokens
        if not tokens.refresh_token:
            raise Disconnected(
                "The company has never been connected. Put its refresh token into"
                " qb_refresh_tokens."
            )
        try:
            answer = self._auth.renewed(tokens.refresh_token)
        except Disconnected:
            if not tokens.previous:
                raise
            # Intuit's pages differ on how long the previous token stays valid: it gets one try.
            answer = self._auth.renewed(tokens.previous)
        rotated = str(answer["refresh_token"])
        ends = [answer["x_refresh_token_expires_in"], answer.get(HARD_END) or FIVE_YEARS]
        seconds = min(int(end) for end in ends)
        fresh = Tokens(
            seed=tokens.seed,
            refresh_token=rotated,
            previous=tokens.refresh_token if rotated != tokens.refresh_token else tokens.previous,
            access_token=str(answer["access_token"]),
            expires_at=stamp(now + timedelta(seconds=int(answer["expires_in"]))),
            refresh_expires_at=stamp(now + timedelta(seconds=seconds)),
        )
        # Stored before it is used: the old refresh token may be invalid already.
        self._secrets.put_secret_value(
            SecretId=self._secret_id, SecretString=json.dumps(asdict(fresh))
        )
        if not self._is_closed():
            self._note_connected(fresh)
        return fresh

    def _is_closed(self) -> bool:
        """Whether a valid token does not help, because QuickBooks denies access with it."""
        code = self._table.read_note(self._note_id).get("code", "")
        return self.is_broken() and code not in _OF_THE_TOKEN

    def _note_connected(self, tokens: Tokens) -> None:
        state = {"state": "CONNECTED", "seed": self._seed, "connected_at": stamp(self._clock())}
        state["refresh_expires_at"] = tokens.refresh_expires_at
        self._table.write_note(self._note_id, state, remove=list(_OF_THE_END))

    def _stored(self) -> Tokens:
        try:
            answer = self._secrets.get_secret_value(SecretId=self._secret_id)
            raw = json.loads(answer.get("SecretString") or "{}")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raw = {}  # Terraform creates the secret empty
        is_kept = bool(raw.get("refresh_token")) and not self._seed_token  # emptied, not replaced
        if raw.get("seed") == self._seed or is_kept:
            return Tokens(**raw)
        return Tokens(seed=self._seed, refresh_token=self._seed_token)
