"""What moto and botocore compute again and again in tests, computed once."""

from __future__ import annotations

import base64
import os
from copy import copy
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast

import boto3
import botocore.session
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from responses import RequestsMock

if TYPE_CHECKING:
    from moto.core.model import StructureShape
    from requests import PreparedRequest, Response
    from requests.adapters import HTTPAdapter


_ITEM_BYTES = 405_000  # from which moto refuses an item
_INDEX = 6  # the place of an index's name among what Table.query takes after the partition


@cache
def attributes_as_they_are() -> None:
    """Moto answers with the attributes of an item as it keeps them: in the wire's form.

    Its JSON serializer (5.2) looks for each of the ten members of an AttributeValue under a dozen
    names, which was most of what the tests computed.
    """
    thorough = BaseJSONSerializer._serialize_type_structure

    def quick(
        self: BaseJSONSerializer, serialized: Any, value: Any, shape: StructureShape, key: str
    ) -> None:
        if key and shape.name == "AttributeValue" and isinstance(value, dict):
            self._default_serialize(serialized, _sent(value), shape, key)
        else:
            thorough(self, serialized, value, shape, key)

    BaseJSONSerializer._serialize_type_structure = quick  # type: ignore[method-assign]


@cache
def items_measured_once() -> None:
    """A new item's bytes are counted when it has all its attributes, not anew with each of them."""

    def made(self: Any, hash_key: DynamoType, range_key: DynamoType | None, attrs: Any) -> None:
        self.hash_key, self.range_key, self.attrs = hash_key, range_key, LimitedSizeDict()
        for name, value in attrs.items():
            dict.__setitem__(self.attrs, name, DynamoType(value))
        if self.size() > _ITEM_BYTES:
            raise ItemSizeTooLarge

    Item.__init__ = made  # type: ignore[method-assign]


@cache
def partitions_queried_alone() -> None:
    """A query of a table looks at its own partition: moto sorts and compares all of them."""
    query = Table.query

    def quick(self: Table, hash_key: DynamoType | None, *args: Any, **given: Any) -> Any:
        one: Any = self
        index = args[_INDEX] if len(args) > _INDEX else given.get("index_name")
        if hash_key is not None and not index and self.range_key_attr:
            items: Any = self.items
            one = copy(self)
            one.items = {hash_key: items[hash_key]} if hash_key in items else {}
        return query(one, hash_key, *args, **given)

    Table.query = quick  # type: ignore[method-assign]


@cache
def models_read_once() -> None:
    """All sessions share what botocore read from its files: a function that starts has a new one.

    They were read and parsed again for each test, and for each start within it.
    """
    session: Any = botocore.session
    session.create_loader = cache(session.create_loader)


@cache
def clients_made_once() -> None:
    """A client of AWS is the same in every test: to make one takes longer than most tests.

    Only those that are asked for by name, region and settings, and go to moto. A session is set
    up when it is asked for anything else: a function that starts has a new one.
    """
    made, make = dict[Any, Any](), boto3.Session.client
    set_up = boto3.Session.__init__

    def promise(self: boto3.Session, *args: Any, **given: Any) -> None:
        if args or given:
            set_up(self, *args, **given)

    def keep_promise(self: boto3.Session, name: str) -> Any:
        if "_session" in vars(self):
            raise AttributeError(name)
        set_up(self)
        return getattr(self, name)

    def client(self: boto3.Session, name: str, **given: Any) -> Any:
        config = given.get("config")
        known = {k: v for k, v in given.items() if v}
        elsewhere = any(variable.startswith("AWS_ENDPOINT_URL") for variable in os.environ)
        if known.keys() - {"region_name", "config"} or elsewhere:
            return make(self, name, **given)  # type: ignore[call-overload]
        fresh = "" if "_session" in vars(self) else os.environ.get("AWS_DEFAULT_REGION", "")
        region = known.get("region_name") or fresh or self.region_name
        key = (name, region, repr(config and vars(config)))
        if key not in made:
            made[key] = make(self, name, **given)  # type: ignore[call-overload]
        return made[key]

    for name, quick in {"__init__": promise, "__getattr__": keep_promise, "client": client}.items():
        setattr(boto3.Session, name, quick)


@cache
def only_aws_is_mocked() -> None:
    """A request to a vendor is sent at once: moto first compared it with each address of AWS."""
    made: Any = RequestsMock
    mocked = made._on_request

    def quick(self: Any, adapter: HTTPAdapter, request: PreparedRequest, **given: Any) -> Response:
        send = partial(mocked, self) if "amazonaws.com" in str(request.url) else self._real_send
        return cast("Response", send(adapter, request, **given))

    made._on_request = quick


def _sent(value: Any) -> Any:
    """An attribute as it is sent: moto keeps bytes, which are sent in base64."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": {name: _sent(v) for name, v in content.items()}}
    if kind == "L":
        return {"L": [_sent(v) for v in content]}
    if kind in {"B", "BS"}:
        return {kind: _base64(content)}
    return value


def _base64(content: Any) -> Any:
    if isinstance(content, bytes):
        return base64.b64encode(content).decode()
    return content if isinstance(content, str) else [_base64(c) for c in content]
