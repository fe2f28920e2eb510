"""The arguments of a call to Slack, out of a form, a multipart or JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.slack.refusals import RefusalError

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from sandbox.slack.payloads import Json


def arguments_of(request: Request, *, takes_json: bool) -> Json:
    """A call's arguments, as a form, a multipart, or JSON where the method takes that."""
    arguments: Json = {**request.args.to_dict(), **request.form.to_dict()}
    if takes_json and request.is_json and request.content_length:
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise RefusalError("invalid_json" if body is None else "json_not_object")
        arguments |= body
    for name, code in (
        ("blocks", "invalid_blocks_format"),
        ("view", "invalid_arguments"),
        ("metadata", "invalid_metadata_format"),
    ):
        if isinstance(arguments.get(name), str):
            try:
                arguments[name] = json.loads(arguments[name])
            except ValueError as error:
                raise RefusalError(code) from error
    return arguments


def metadata_of(arguments: Json) -> Json | None:
    """A message's metadata, if the call gives any."""
    metadata = arguments.get("metadata") or None
    if metadata is None:
        return None
    kind = metadata.get("event_type") if isinstance(metadata, dict) else None
    if not isinstance(kind, str) or not isinstance(metadata.get("event_payload"), dict):
        raise RefusalError("invalid_metadata_format")
    return dict(metadata)


def truth(value: object) -> bool:
    """Whether a form or JSON says yes."""
    return value in (True, 1, "1", "true", "True")
