"""Intuit's tokens: which are valid, how they rotate, and how a family of them ends."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sandbox.quickbooks.modes import Modes
    from sandbox.quickbooks.store import Json

ACCESS_SECONDS: Final = 3600
IDLE_SECONDS: Final = 8_726_400  # 101 days
HARD_SECONDS: Final = 157_680_000  # five years
DAY: Final = timedelta(hours=24)


class OAuthError(Exception):
    """The token endpoint refuses: an OAuth error word and the HTTP status."""

    def __init__(self, error: str, description: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.status = status
        self.body: Json = {"error": error}
        if description:
            self.body["error_description"] = description


@dataclass(slots=True, kw_only=True)
class Family:
    """The tokens that grew from one connection of a company."""

    realm_id: str
    refresh_token: str
    connected_at: datetime
    rotated_at: datetime
    used_at: datetime
    revoked: bool = False
    retired: dict[str, datetime] = field(default_factory=dict)  # old refresh token: since when
    access: dict[str, datetime] = field(default_factory=dict)  # access token: until when
    in_flight: int = 0

    @property
    def newest_access(self) -> str:
        """The access token handed out last, empty before the first."""
        return next(reversed(self.access), "")


@dataclass(slots=True)
class Tokens:
    """All families of an application, by company; the newest connection of a company counts."""

    families: list[Family] = field(default_factory=list)
    issued: int = 0

    def connect(self, realm_id: str, refresh_token: str, now: datetime) -> None:
        """A person connects a company: a new family starts, the company's earlier ones end."""
        for family in self.families:
            family.revoked = family.revoked or family.realm_id == realm_id
        self.families.append(
            Family(
                realm_id=realm_id,
                refresh_token=refresh_token,
                connected_at=now,
                rotated_at=now,
                used_at=now,
            )
        )

    def family(self, refresh_token: str) -> Family:
        """The family a refresh token, current or old, belongs to."""
        for family in reversed(self.families):
            if refresh_token == family.refresh_token or refresh_token in family.retired:
                return family
        raise invalid_grant()

    def refresh(self, refresh_token: str, now: datetime, modes: Modes, *, hard: bool) -> Json:
        """The token endpoint's answer to a refresh token; `hard` adds the five-year limit."""
        family = self.family(refresh_token)
        self._check(family, refresh_token, now, modes)
        if modes.rotation == "every_use" or now - family.rotated_at >= DAY:
            family.retired[family.refresh_token] = now
            family.refresh_token = self._new("refresh", family)
            family.rotated_at = now
        family.used_at = now
        access = self._new("access", family)
        family.access[access] = now + timedelta(seconds=ACCESS_SECONDS)
        answer: Json = {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": family.refresh_token,
            "x_refresh_token_expires_in": IDLE_SECONDS,
        }
        if hard:
            age = int((now - family.connected_at).total_seconds())
            answer["x_refresh_token_hard_expires_in"] = HARD_SECONDS - age
        return answer

    def owner(self, access_token: str, now: datetime) -> Family | None:
        """The family whose living access token this is."""
        for family in self.families:
            if not family.revoked and family.access.get(access_token, now) > now:
                return family
        return None

    def revoke(self, token: str) -> None:
        """End the family of a refresh or access token; an unknown token ends nothing."""
        for family in self.families:
            if token == family.refresh_token or token in {*family.retired, *family.access}:
                family.revoked = True

    def expire_access(self, realm_id: str, now: datetime) -> None:
        """End a company's access tokens early."""
        for family in self.families:
            if family.realm_id == realm_id:
                family.access = dict.fromkeys(family.access, now)

    def _check(self, family: Family, token: str, now: datetime, modes: Modes) -> None:
        old = now - family.connected_at >= timedelta(seconds=HARD_SECONDS)
        idle = now - family.used_at >= timedelta(seconds=IDLE_SECONDS)
        if family.revoked or old or idle:
            raise invalid_grant()
        retired_at = family.retired.get(token)
        if retired_at is None:
            return
        if modes.stale_refresh == "grace24h" and now - retired_at < DAY:
            return
        if modes.stale_refresh == "reuse_kills_family":
            family.revoked = True
        raise invalid_grant()

    def _new(self, kind: str, family: Family) -> str:
        self.issued += 1
        return f"sandbox-{kind}-{family.realm_id}-{self.issued:06d}"


def invalid_grant() -> OAuthError:
    """The answer to a refresh token that is unknown, stale, expired or revoked."""
    return OAuthError("invalid_grant", "Incorrect or invalid refresh token")


def check_client(authorization: str, client_id: str, client_secret: str) -> None:
    """Refuse a caller whose Basic credentials are not the application's."""
    kind, _, word = authorization.partition(" ")
    try:
        said = base64.b64decode(word, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client", status=401) from error
    if kind.lower() != "basic" or said != f"{client_id}:{client_secret}":
        raise OAuthError("invalid_client", status=401)


def discovery(base: str) -> Json:
    """The OpenID configuration of a server at `base`."""
    return {
        "issuer": f"{base}/op/v1",
        "authorization_endpoint": f"{base}/connect/oauth2",
        "token_endpoint": f"{base}/oauth2/v1/tokens/bearer",
        "userinfo_endpoint": f"{base}/v1/openid_connect/userinfo",
        "revocation_endpoint": f"{base}/v2/oauth2/tokens/revoke",
        "jwks_uri": f"{base}/op/v1/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "com.intuit.quickbooks.accounting"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
    }
