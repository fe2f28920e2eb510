"""A database of the sandbox's Odoo: who may call, by key, password or session, and what they do."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from sandbox.odoo.books import Books
from sandbox.odoo.calls import Call
from sandbox.odoo.errors import V17, V18, V19, OdooError, access_error, denied, expired
from sandbox.odoo.view import Json, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox.odoo.dataset import Dataset

SERVERS: Final = {16: "16.0+e-20230313", 17: "17.0", 18: "18.0-20250421", 19: "19.0"}
_CACHING: Final = (V17, V18)


class Database(Books):
    """One database and its users in `users`.

    `distort` may change what a method of a model answers, as an addon or a proxy could.
    """

    def __init__(
        self,
        *,
        version: int = 18,
        database: str = "odoo",
        login: str = "ap-bot@example.com",
        api_key: str = "sandbox-odoo-key",
        password: str = "sandbox-odoo-password",  # noqa: S107 - the sandbox's own
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        dataset: Dataset = "odoo-18",
    ) -> None:
        super().__init__(version=version, clock=clock, dataset=dataset)
        self.database = database
        self.users: dict[int, User] = {}
        self.distort: Callable[[str, object], object] = _undistorted
        self._sessions: dict[str, int] = {}
        self._cached: set[tuple[int, str]] = set()  # keys that were found to be good
        self.admit(
            User(
                uid=5 if version >= V19 else 6,
                name="AP Extractor Bot",
                login=login,
                api_key=api_key,
                password=password,
                companies=tuple(sorted(self.records["res.company"])),
            )
        )

    def admit(self, user: User) -> None:
        """Let a user call, or change what a user is allowed."""
        with self.lock:
            self._cached.clear()
            self.users[user.uid] = user
            self.add_user(user.uid, user.name, user.login)

    def refuse(self, *models: str) -> None:
        """Take from every user the groups that open these models: AccessError from now on."""
        self._change_rights(lambda user: replace(user, refused=user.refused | set(models)))

    def hide(self, model: str, ids: Iterable[int]) -> None:
        """Let a rule keep records from every user: searches leave them out, read refuses."""
        hidden = {(model, number) for number in ids}
        self._change_rights(lambda user: replace(user, hidden=user.hidden | hidden))

    def restore_rights(self) -> None:
        """Give back what `refuse` and `hide` took."""
        nothing: frozenset[Any] = frozenset()
        self._change_rights(lambda user: replace(user, refused=nothing, hidden=nothing))

    def _change_rights(self, change: Callable[[User], User]) -> None:
        with self.lock:
            self.users = {uid: change(user) for uid, user in self.users.items()}

    def revoke_keys(self) -> None:
        """Revoke every API key: 17 and 18 still accept a cached one, except at login."""
        with self.lock:
            for uid, user in self.users.items():
                self.users[uid] = replace(user, api_key=secrets.token_hex())

    def expire_sessions(self) -> None:
        """Forget all who logged in through the web client."""
        with self.lock:
            self._sessions.clear()

    def run(self, user: User, model: str, method: str, args: list[object], kwargs: Json) -> object:
        """Call a method of a model as this user."""
        with self.lock:
            context = kwargs.pop("context", None) or {}
            return self.distort(model, Call(self, user, context).run(model, method, args, kwargs))

    def authenticate(self, database: str, login: str, secret: str) -> int | Literal[False]:
        """The id of the user with this login and key or password; False if there is none."""
        self._check_database(database)
        for user in self.users.values():
            if user.login == login and secret in (user.api_key, user.password):
                return user.uid
        return False

    def user(self, database: str, uid: int, secret: str) -> User:
        """The user with this id and key or password."""
        self._check_database(database)
        user = self.users.get(uid)
        is_cached = (uid, secret) in self._cached and self.version in _CACHING
        if user is None or not (is_cached or secret in (user.api_key, user.password)):
            raise denied()
        self._cached.add((uid, secret))
        return user

    def _check_database(self, database: str) -> None:
        if database != self.database:
            raise OdooError(
                "psycopg2.OperationalError",
                'connection to server at "127.0.0.1", port 54328 failed: FATAL:  database'
                f' "{database}" does not exist\n',
            )

    def log_in(self, database: str, login: str, password: str) -> tuple[str, User]:
        """A new session of the web client, and whose it is. An API key opens none."""
        if database != self.database:
            raise access_error("Database not found.")
        for user in self.users.values():
            if (user.login, user.password) == (login, password):
                session = secrets.token_urlsafe(32)
                with self.lock:
                    self._sessions[session] = user.uid
                return session, user
        raise denied()

    def log_out(self, session: str) -> None:
        """End a session."""
        self._sessions.pop(session)

    def session_user(self, session: str) -> User:
        """Whose session it is."""
        uid = self._sessions.get(session)
        if uid is None:
            raise expired()
        return self.users[uid]

    def key_user(self, key: str) -> User:
        """Whose API key it is."""
        for user in self.users.values():
            if user.api_key == key:
                return user
        raise OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey")

    def server(self) -> Json:
        """The server's version, as Odoo states it."""
        return {
            "server_version": SERVERS[self.version],
            "server_version_info": [self.version, 0, 0, "final", 0, ""],
            "server_serie": f"{self.version}.0",
            "protocol_version": 1,
        }


def _undistorted(_model: str, answer: object) -> object:
    """The answer as it is; no lambda, which could not be pickled with the database."""
    return answer
