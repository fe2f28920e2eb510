"""QuickBooks' Accounting API, once a request has passed the gateway: writes, uploads, reads."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from sandbox.quickbooks import query, upload
from sandbox.quickbooks.books import Books
from sandbox.quickbooks.calls import Call, RequestIds, succeed
from sandbox.quickbooks.errors import FaultError, missing, not_found, unsupported
from sandbox.quickbooks.shape import check_shape
from sandbox.quickbooks.store import CENT, PACIFIC, TABLES, Json, Realm, instant
from sandbox.quickbooks.validation import completed, document
from sandbox.quickbooks.vendor import vendor

if TYPE_CHECKING:
    import random

    from werkzeug.wrappers import Request

    from sandbox.quickbooks.responses import Answer

WRITES: Final = {"bill": "Bill", "vendorcredit": "VendorCredit", "vendor": "Vendor"}
_BY_PATH: Final = {entity.lower(): entity for entity in TABLES}
_LONGEST_BATCH_REQUEST_ID: Final = 36
_LONGEST_BATCH_ITEM_ID: Final = 10
_READ_ONLY: Final = frozenset({"Id", "SyncToken", "MetaData", "TotalAmt", "Balance", "HomeBalance"})
_LARGEST_BATCH: Final = 30
_FURTHEST_BACK: Final = timedelta(days=30)


def write(call: Call) -> Json:
    """Create, change or delete one bill, vendor credit or vendor."""
    payload = _payload(call.request)
    duplicates = "allowduplicatedocnum" in call.request.args.get("include", "")
    if duplicates:
        call.tell("asked for duplicate document numbers")
    entity = WRITES[call.operation]
    if call.suffers("rival"):
        _write(call, entity, {k: v for k, v in payload.items() if k != "PrivateNote"})
    deletes = call.request.args.get("operation") == "delete"
    record = _write(call, entity, payload, deletes=deletes, allow_duplicates=duplicates)
    if call.suffers("wrong_total"):
        record["TotalAmt"] += CENT
        record["Balance"] += CENT
    return {entity: record}


def _write(
    call: Call,
    entity: str,
    payload: Json,
    *,
    deletes: bool = False,
    allow_duplicates: bool = False,
) -> Json:
    realm, now = call.realm, call.clock()
    if realm.subscription_ended:
        why = "Subscription period has ended or canceled or there was a billing problem"
        raise FaultError("6190", why)
    old = _version(realm, entity, payload) if deletes or "Id" in payload else None
    if deletes:
        if entity == "Vendor":
            raise _unsupported("delete of a Vendor")
        return realm.delete(entity, str(payload["Id"]), now)
    merged = {**(old if old and payload.get("sparse") else {}), **payload}
    if old:
        merged["Id"] = old["Id"]
    shape = {k: v for k, v in merged.items() if k not in _READ_ONLY} if old else payload
    check_shape(f"{entity}Create", shape)
    books = Books(realm=realm, modes=call.modes, now=now, allow_duplicates=allow_duplicates)
    if entity == "Vendor":
        record = vendor(merged, books, old)
    else:
        record = completed(entity, document(entity, merged, books, old), realm)
    return realm.change(entity, record, now) if old else realm.add(entity, record, now)


def attach(call: Call) -> Json:
    """Keep the files of an upload, each with its own success or Fault."""
    data = call.request.get_data()
    if len(data) > call.limits.upload_bytes:
        raise FaultError(
            "6030",
            "The file upload request should not exceed 100MB in size. "
            f"The current request size is {len(data)}",
        )
    parts = upload.read(call.request.headers.get("Content-Type", ""), data)
    for name in parts.ignored:
        call.tell(f"has a part that says nothing to QuickBooks: {name}")
    results = [_attach_one(call, parts, number) for number in parts.content]
    return {"AttachableResponse": results}


def _attach_one(call: Call, parts: upload.Upload, number: str) -> Json:
    injection = call.injection
    if injection and call.suffers("refused_file") and number == next(iter(parts.content)):
        code = injection.code or "6000"
        return {"Fault": FaultError(code, injection.detail or "Virus found").fault}
    try:
        record = upload.attach(call.realm, parts, number, call.modes, call.clock())
    except FaultError as error:
        return {"Fault": error.fault}
    if "AttachableRef" not in record:
        call.tell(f"left {record['FileName']} linked to nothing")
    if call.suffers("wrong_size"):
        record["Size"] -= 1
        call.realm.files[record["Id"]] = call.realm.files[record["Id"]][:-1]
    return {"Attachable": record}


def batch(call: Call, ids: RequestIds, shuffle: random.Random) -> Answer:
    """Do up to thirty things in no particular order; each has its own success or Fault."""
    items = _payload(call.request).get("BatchItemRequest", [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise unsupported("BatchItemRequest is not a list of objects")
    if len(items) > _LARGEST_BATCH:
        raise FaultError("1040", "The limit is 30")
    keys = [str(item.get("bId", "")) for item in items]
    if len(set(keys)) < len(keys) or "" in keys:
        raise FaultError("1000", "Each bId must be given, and once")
    if call.request_id:
        long = any(len(key) > _LONGEST_BATCH_ITEM_ID for key in keys)
        if long or len(call.request_id) > _LONGEST_BATCH_REQUEST_ID:
            raise FaultError("2050", "requestid or bId is too long")
    elif any("Query" not in item for item in items):
        call.tell("was sent without a request id")
    shuffle.shuffle(items)
    results = [ids.item(call, item["bId"], partial(_batch_item, call, item)) for item in items]
    shuffle.shuffle(results)
    return succeed(call, {"BatchItemResponse": results})


def _batch_item(call: Call, item: Json) -> Json:
    key = {"bId": item["bId"]}
    entity = next((name for name in WRITES.values() if name in item), "")
    deletes = item.get("operation") == "delete"
    try:
        if "Query" in item:
            return {**key, "QueryResponse": query.answer(call.realm, item["Query"], call.modes)}
        if entity:
            return {**key, entity: _write(call, entity, item[entity], deletes=deletes)}
    except FaultError as error:
        return {**key, "Fault": error.fault}
    return {**key, "Fault": _unsupported("this").fault}


def read(call: Call) -> Answer:
    """Answer a query or a GET."""
    request, realm = call.request, call.realm
    name, key = (*call.path, "")[:2]
    if call.operation == "query":
        return succeed(call, {"QueryResponse": _queried(call)})
    if request.method != "GET":
        raise _unsupported(f"{request.method} {name}")
    match name:
        case "companyinfo" if key in {realm.id, "1"}:
            body = {"CompanyInfo": realm.company_info()}
        case "preferences":
            body = {"Preferences": realm.preferences()}
        case "cdc":
            body = _changes(call)
        case "exchangerate":
            body = _rate(call)
        case _ if name in _BY_PATH:
            entity = _BY_PATH[name]
            if key not in realm.table(entity):
                raise not_found(f"{entity} {key}")
            body = {entity: realm.table(entity)[key]}
        case _:
            raise _unsupported(f"GET {name}")
    return succeed(call, body)


def _queried(call: Call) -> Json:
    request = call.request
    statement = request.args.get("query", "")
    if request.method == "POST":
        if request.mimetype not in {"application/text", "text/plain"}:
            raise _content_type(request)
        statement = request.get_data().decode(call.modes.query_charset, "replace")
    try:
        return query.answer(call.realm, statement, call.modes)
    except FaultError as error:
        if error.code == "4000":
            call.tell(f"does not parse: {statement}")
        raise


def _changes(call: Call) -> Json:
    arguments, realm = call.request.args, call.realm
    try:
        since = instant(arguments.get("changedSince", "").replace(" ", "+"))
    except ValueError as error:
        raise missing("changedSince") from error
    if call.clock() - since > _FURTHEST_BACK:
        raise FaultError("4001", "changedSince is more than 30 days ago")
    answer: list[Json] = []
    for entity in arguments.get("entities", "").split(","):
        if entity not in TABLES or entity.startswith("Tax"):
            raise _unsupported(f"change data capture of {entity}")
        gone = [record for kind, record in realm.deleted if kind == entity]
        records = [
            record
            for record in (*realm.table(entity).values(), *gone)
            if instant(record["MetaData"]["LastUpdatedTime"]) >= since
        ]
        answer.append({entity: records, "maxResults": len(records)} if records else {})
    return {"CDCResponse": [{"QueryResponse": answer}]}


def _rate(call: Call) -> Json:
    rates, home = call.realm.exchange_rates, call.realm.home_currency
    currency = call.request.args.get("sourcecurrencycode", "")
    if currency not in rates:
        raise not_found(f"ExchangeRate {currency}")
    today = str(call.clock().astimezone(PACIFIC).date())
    rate = {
        "SourceCurrencyCode": currency,
        "TargetCurrencyCode": home,
        "Rate": round(rates[currency] / rates[home], 6),
        "AsOfDate": call.request.args.get("asofdate", today),
    }
    return {"ExchangeRate": rate}


def _payload(request: Request) -> Json:
    if request.mimetype != "application/json":
        raise _content_type(request)
    try:
        payload = json.loads(request.get_data().decode(), parse_float=Decimal)
    except UnicodeDecodeError as error:
        detail = "Invalid byte 1 of 1-byte UTF-8 sequence"
        raise FaultError("500", detail) from error
    except ValueError as error:
        raise unsupported(f"the body is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise unsupported("the body is not an object")
    return payload


def _version(realm: Realm, entity: str, payload: Json) -> Json:
    """The record a change or a deletion is about, if the client has read its last version."""
    old = realm.table(entity).get(str(payload.get("Id")))
    if not old:
        raise not_found(f"{entity} {payload.get('Id')}")
    if payload.get("SyncToken") != old["SyncToken"]:
        detail = "Stale Object Error : You and another user were working on this at the same time."
        raise FaultError("5010", detail)
    return old


def _unsupported(what: str) -> FaultError:
    return FaultError("500", f"Operation {what} is not supported.")


def _content_type(request: Request) -> FaultError:
    return FaultError("1050", f"Content type {request.mimetype!r}")
