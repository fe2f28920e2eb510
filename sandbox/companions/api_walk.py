"""Every route of the API, with and without a token, and its records compared with Odoo's."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import batched
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from odoo_qb.api.records import KINDS
from sandbox.companions.api_client import PAGE, ApiClient, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from requests import Response

    from odoo_qb.api.contract import Contract
    from odoo_qb.sources import Kind, Source

Json = dict[str, Any]

WRONG: Final = "a-token-of-another-deployment-0123456789"
UNKNOWN_ID: Final = 987_654_321
_OURS: Final = ("id", "odoo_id", "created_at", "updated_at")  # not the source's
_DATED: Final = "date-time-local"
_UNAUTHORIZED, _NOT_FOUND, _UNFIT = 401, 404, 422
# By a list's query: what is refused.
_REFUSED: Final = ("limit=0", "limit=1001", "limit=ten", "skip=-1", "shape=round", "connection=x")


class Original(Protocol):
    """One connection's Odoo: how it is read, and which records it has."""

    @property
    def source(self) -> Source:
        """Its reader."""

    @property
    def ids(self) -> Callable[[Kind], Iterable[int]]:
        """The ids of a kind."""


@dataclass(slots=True, kw_only=True)
class ApiWalk:
    """Walks the routes of a contract. What is not as the contract says is in `trouble`."""

    client: ApiClient
    contract: Contract
    token: str
    report: Json = field(default_factory=lambda: {"routes": {}, "records": {}})
    trouble: list[str] = field(default_factory=list)

    def walk(self) -> None:
        """Take every route once, in the contract's order: schedules are made before listed."""
        for route, operations in self.contract.document["paths"].items():
            for method, raw in operations.items():
                self._take(method.upper(), route, raw)
        self._sign_in_and_out()

    def compare(self, originals: Mapping[str, Original]) -> None:
        """Read every list to its end, and compare each field with Odoo's."""
        for name, kind in KINDS.items():
            route = self._list_of(name)
            for connection, original in originals.items():
                tally = self._compared(route, name, kind, connection, original)
                self.report["records"].setdefault(connection, {})[route] = tally

    # -- routes ------------------------------------------------------------------------------------

    def _take(self, method: str, route: str, raw: Json) -> None:
        operation = self.contract.operation(route, method)
        if operation is None or raw["operationId"] in {"signIn", "signOut"}:
            return
        path = self._path(route, raw)
        body = self._example(raw)
        name = f"{method} {route}"
        statuses: Json = {}
        public = operation.is_public
        for label, token in (("without_token", None), ("wrong_token", WRONG)):
            answer = self.client.call(method, path, token=token, body=body)
            statuses[label] = answer.status_code
            if (answer.status_code == _UNAUTHORIZED) == public:
                self._say(f"{name}: {answer.status_code} {label.replace('_', ' ')}.")
            self._fits(name, raw, answer)
        answer = self.client.call(method, path, body=body)
        statuses["with_token"] = answer.status_code
        is_absent = path.endswith(f"/{UNKNOWN_ID}")  # there is no record to show
        if not answer.ok and not (is_absent and answer.status_code == _NOT_FOUND):
            self._say(f"{name}: {answer.status_code} {answer.text[:200]}")
        self._fits(name, raw, answer)
        if "{id}" in route:
            statuses |= self._refused(
                name, raw, route, {f"/{UNKNOWN_ID}": _NOT_FOUND, "/ten": _UNFIT}
            )
        elif self._is_list(raw):
            wanted = {f"?{query}": _UNFIT for query in _REFUSED} | {f"?skip={UNKNOWN_ID}": 200}
            statuses |= self._refused(name, raw, route, wanted)
        self.report["routes"][name] = statuses

    def _refused(
        self, name: str, raw: Json, route: str, wanted: Mapping[str, int]
    ) -> dict[str, int]:
        """What is answered to requests that have this status by the contract."""
        found = {}
        for added, status in wanted.items():
            answer = self.client.call("GET", route.replace("/{id}", "") + added)
            found[added] = answer.status_code
            if answer.status_code != status:
                self._say(f"{name}{added}: {answer.status_code} instead of {status}.")
            self._fits(f"{name}{added}", raw, answer)
        return found

    def _path(self, route: str, raw: Json) -> str:
        """A route with its placeholders filled: with the first record's id, or an example."""
        if "{id}" in route:
            rows = self.client.call("GET", route.replace("/{id}", "?limit=1")).json()
            return route.replace("{id}", str(rows[0]["id"] if rows else UNKNOWN_ID))
        for given in self.contract.resolved(raw.get("parameters", [])):
            if given["in"] == "path":
                example = given.get("example") or given["schema"]["enum"][0]
                route = route.replace(f"{{{given['name']}}}", str(example))
        return route

    def _example(self, raw: Json) -> object:
        content = raw.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("example")

    def _is_list(self, raw: Json) -> bool:
        named = [one["name"] for one in self.contract.resolved(raw.get("parameters", []))]
        return "skip" in named

    def _fits(self, name: str, raw: Json, answer: Response) -> None:
        """Whether an answer has a status, a media type and a shape of the contract."""
        status = str(answer.status_code)
        if status not in raw["responses"]:
            self._say(f"{name}: the contract has no answer {status}.")
            return
        content = self.contract.resolved(raw["responses"][status]).get("content", {})
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        if content and media_type not in content:
            self._say(f"{name}: {status} is {media_type or 'nothing'}, not {', '.join(content)}.")
        elif content and media_type.endswith("json"):
            validator = Draft202012Validator(content[media_type].get("schema", {}))
            for error in list(validator.iter_errors(answer.json()))[:1]:
                self._say(f"{name}: {status} {error.json_path}: {error.message[:200]}")

    def _sign_in_and_out(self) -> None:
        """A browser: sent to sign in, let in with the cookie, and not after signing out."""
        page = {"Accept": "text/html", "Origin": self.client.origin}
        steps: Json = {}
        steps["docs"] = self.client.call("GET", "/docs", token=None, headers=page)
        steps["wrong"] = self.client.call("POST", "/sign-in", token=None, form={"token": WRONG})
        signed = self.client.call("POST", "/sign-in", token=None, form={"token": self.token})
        steps["sign_in"] = signed
        cookie = page | {"Cookie": signed.headers.get("Set-Cookie", "").partition(";")[0]}
        steps["docs_signed_in"] = self.client.call("GET", "/docs", token=None, headers=cookie)
        steps["sign_out"] = self.client.call("POST", "/sign-out", token=None, headers=cookie)
        found = {step: answer.status_code for step, answer in steps.items()}
        wanted = {"docs": 303, "wrong": 401, "sign_in": 303, "docs_signed_in": 200, "sign_out": 303}
        for step, status in wanted.items():
            if found[step] != status:
                self._say(f"A browser gets {found[step]} at {step}, not {status}.")
        if not urlsplit(steps["docs"].headers.get("Location", "")).path.endswith("sign-in"):
            self._say("A browser without a session is not sent to sign in.")
        self.report["routes"]["browser"] = found

    # -- records -----------------------------------------------------------------------------------

    def _list_of(self, name: str) -> str:
        """The path of the list of Contact, Invoice and so on."""
        paths: Json = self.contract.document["paths"]
        operation = f"list{name}s"
        return next(
            route
            for route, operations in paths.items()
            if operations.get("get", {}).get("operationId") == operation
        )

    def _compared(
        self, route: str, name: str, kind: Kind, connection: str, original: Original
    ) -> Json:
        raw = self.contract.document["paths"][route]["get"]
        named = {one["name"] for one in self.contract.resolved(raw["parameters"])}
        every = {"fields": "all"} if "fields" in named else {}
        archived = {"archived": "true"} if "archived" in named else {}
        schema = self.contract.schema(name)
        try:
            rows = self.client.every(route, connection=connection, **every, **archived)
            listed = {row["id"]: row for row in rows}
        except ApiError as error:
            self._say(f"{connection} {error}")
            return {"source": None, "listed": None, "different": None}
        ids = set(original.ids(kind)) if kind != "transaction" else set()
        wrong = dict.fromkeys(ids ^ listed.keys(), "it is in one of the two only")
        for some in batched(sorted(ids & listed.keys()), PAGE):
            reading = original.source.read(kind, set(some))
            for number in some:
                differences = _differences(listed[number], reading.records.get(number, {}), schema)
                if said := next(differences, ""):
                    wrong[number] = said
        for number, said in list(wrong.items())[:3]:
            self._say(f"{connection} {route}/{number}: {said}.")
        return {"source": len(ids), "listed": len(listed), "different": len(wrong)}

    def _say(self, sentence: str) -> None:
        self.trouble.append(f"API: {sentence}")


def _differences(shown: Json, record: Json, schema: Json) -> Iterator[str]:
    """Fields that the API shows other than Odoo has them."""
    for name, value in shown.items():
        if name in _OURS:
            continue
        wanted = record.get(name)
        if schema["properties"].get(name, {}).get("format") == _DATED and wanted:
            wanted = f"{str(wanted)[:10]}T{str(wanted)[11:19] or '00:00:00'}"
        if isinstance(value, Decimal | int) and isinstance(wanted, str):
            wanted = Decimal(wanted)
        if value != wanted:
            yield f"{name} is {value!r}, and {wanted!r} in Odoo"
