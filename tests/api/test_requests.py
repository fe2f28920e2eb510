"""Requests that do not fit: each its status, and a sentence that says what to do."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

import api as handler
from sandbox.in_process.api import TOKEN, event
from sandbox.in_process.chain import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.in_process.api import ApiDesk, Response

Json = dict[str, Any]

TASK: Final = {"cron": "0 * * * *", "task_name": "hourly", "task_path": "app.tasks.sync_all"}
SCHEDULE: Final = "/schedule-task"


def refused(response: Response, status: int, said: str) -> None:
    assert response.status == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json.keys() == {"title", "status", "detail"}
    assert response.json["status"] == status
    assert said in response.json["detail"]
    assert re.match(r"[A-Z\w].*[.]$", response.json["detail"])


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/contacts?limit=0", "limit must be a whole number from 1 to 1000."),
        ("/contacts?limit=1001", "limit must be a whole number from 1 to 1000."),
        ("/contacts?limit=ten", "limit must be a whole number from 1 to 1000."),
        ("/contacts?limit=", "limit must be a whole number from 1 to 1000."),
        ("/contacts?limit=1.5", "limit must be a whole number"),
        ("/contacts?limit=%D9%A1", "limit must be a whole number"),
        ("/contacts?limit=1%0A", "limit must be a whole number"),
        ("/contacts?skip=-1", "skip must be a whole number from 0"),
        ("/contacts?skip=99999999999999999999", "skip must be a whole number from 0"),
        ("/contacts?archived=yes", "archived must be true or false."),
        ("/contacts?sort=name", "sort must be id or -write_date."),
        ("/contacts?fields=name", "fields must be all."),
        ("/contacts?connection=O'Brien", "connection must be the name of a connection, such as"),
        ("/contacts?limit=1&limit=2", "limit is given more than once. Send it once."),
        ("/contacts?page=2", "There is no parameter 'page' here. This route takes skip, limit,"),
        ("/contacts?move_type=in_invoice", "There is no parameter 'move_type' here."),
        ("/contacts?=1", "There is no parameter '' here."),
        ("/health?verbose=1", "There is no parameter 'verbose' here. This route takes no"),
        ("/invoices?move_type=entry", "move_type must be out_invoice, out_refund,"),
        ("/invoices?date_from=28.01.2026", "date_from must be a date such as 2026-01-28."),
        ("/invoices?partner_id=0", "partner_id must be a whole number from 1 to 2147483647."),
        ("/invoices?cursor=%21", "cursor must be X-Next-Cursor of the previous page."),
        ("/contacts/abc", "id must be a whole number from 1"),
        ("/contacts/0", "id must be a whole number from 1"),
        ("/contacts/-5", "id must be a whole number from 1"),
        ("/contacts/5.0", "id must be a whole number from 1"),
        ("/contacts/2147483648", "id must be a whole number from 1"),
        ("/invoices/%31%00", "id must be a whole number from 1"),
    ],
)
def test_a_value_that_does_not_fit_is_422(api: ApiDesk, target: str, said: str) -> None:
    refused(api.get(target), 422, said)


def test_a_long_name_of_a_parameter_is_shortened(api: ApiDesk) -> None:
    refused(api.get(f"/contacts?{'x' * 5_000}=1"), 422, "x…' here")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/contacts?limit=%FF", "The address cannot be read."),
        ("/contacts?" + "&".join(f"a{n}=1" for n in range(60)), "more than 50 parameters"),
    ],
)
def test_an_address_that_cannot_be_read_is_400(api: ApiDesk, target: str, said: str) -> None:
    refused(api.get(target), 400, said)


@pytest.mark.parametrize(
    "path", ["/", "/contacts/", "/contact", "/contacts/1/2", "//", "/api/erp", ""]
)
def test_an_unknown_route_is_404(api: ApiDesk, path: str) -> None:
    refused(api.get(path), 404, "There is no such route. /docs lists those that there are.")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/contacts", "GET, HEAD, OPTIONS"),
        ("DELETE", "/invoices/1", "GET, HEAD, OPTIONS"),
        ("GET", "/schedule-task", "POST, OPTIONS"),
        ("PUT", "/scheduled-tasks/hourly", "DELETE, OPTIONS"),
        ("TRACE", "/contacts", "GET, HEAD, OPTIONS"),
        ("BREW", "/contacts", "GET, HEAD, OPTIONS"),
        ("DELETE", "/sign-in", "GET, POST, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_a_route_lacks_is_405_with_those_it_has(
    api: ApiDesk, method: str, path: str, allow: str
) -> None:
    response = api.call(method, path)
    refused(response, 405, "This route takes ")
    assert response.headers["allow"] == allow


def test_head_is_get_without_the_body(api: ApiDesk) -> None:
    got, head = api.get("/contacts?limit=3"), api.call("HEAD", "/contacts?limit=3")
    assert (head.status, head.text) == (200, "")
    assert head.headers == got.headers
    assert api.call("HEAD", "/contacts/99999").status == 404
    assert api.call("HEAD", "/schedule-task").status == 405


def test_options_lists_the_methods(api: ApiDesk) -> None:
    response = api.call("OPTIONS", "/scheduled-tasks/hourly")
    assert (response.status, response.text) == (204, "")
    assert response.headers["allow"] == "DELETE, OPTIONS"
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "The body is not JSON. Send an object."),
        (b"{", 400, "The body is not JSON."),
        (b"\xff", 400, "The body is not JSON."),
        (b'{"cron": "\\ud800", "task_name": "a", "task_path": "b"}', 400, "The body is not JSON."),
        (b'{"cron": NaN}', 400, "The body is not JSON."),
        (b"[" * 100_000, 400, "The body is not JSON."),
        (b"[]", 422, "The body must be a JSON object."),
        (b"null", 422, "The body must be a JSON object."),
        (b"{}", 422, "cron is missing. It must be five fields, such as 0 * * * *."),
        (b'{"cron": 5, "task_name": "a", "task_path": "b"}', 422, "cron must be five fields"),
        (b'{"cron": "0 * * * *", "task_name": "a b", "task_path": "b"}', 422, "task_name must be"),
        (b'{"cron": "0 * * * *", "task_name": "a", "task_path": "b", "at": 1}', 422, "'at' here"),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_refused(
    api: ApiDesk, body: bytes, status: int, said: str
) -> None:
    refused(
        api.call("POST", SCHEDULE, body=body, headers={"Content-Type": "application/json"}),
        status,
        said,
    )


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_another_type_of_body_is_415(api: ApiDesk, media_type: str) -> None:
    headers = {"content-type": media_type} if media_type else {}
    response = api.call("POST", SCHEDULE, body=b"{}", headers=headers)
    refused(response, 415, "Send the body as application/json.")


@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
def test_a_body_over_a_megabyte_is_413(api: ApiDesk, media_type: str) -> None:
    for path in (SCHEDULE, "/contacts"):
        method = "POST" if path == SCHEDULE else "GET"
        response = api.call(
            method, path, body=b"x" * 1_000_001, headers={"content-type": media_type}
        )
        refused(response, 413, "The body is larger than 1 MB. Send a smaller one.")


def test_a_body_that_is_not_what_it_says_is_400(api: ApiDesk) -> None:
    given = event("POST", SCHEDULE, "", {"authorization": f"Bearer {TOKEN}"}, b"{}", "192.0.2.1")
    for body in ("not base64!", "e30"):
        answer = api.wired.api.answer(given | {"isBase64Encoded": True, "body": body})
        assert answer["statusCode"] == 400
    good = base64.b64encode(b"{}").decode()
    answer = api.wired.api.answer(given | {"isBase64Encoded": True, "body": good})
    assert answer["statusCode"] == 415  # read, and of no type


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("token=caf\u00e9", 400, "The form cannot be read."),
        ("token=a&token=b", 422, "given more than once"),
        ("token=a&more=b", 422, "'more' here"),
        ("next=docs", 422, "token is missing. It must be text of up to 400 characters."),
        (f"token={'x' * 401}", 422, "token must be text of up to 400 characters."),
    ],
)
def test_a_form_that_does_not_fit_is_refused(
    api: ApiDesk, body: str, status: int, said: str
) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    refused(api.call("POST", "/sign-in", token=None, body=body, headers=headers), status, said)


def test_a_path_that_is_not_utf_8_is_400(api: ApiDesk) -> None:
    given = event("GET", "/contacts", "", {}, None, "") | {"rawPath": "/contacts/%FF"}
    assert api.wired.api.answer(given)["statusCode"] == 400


@pytest.mark.parametrize("given", [None, [], "x", {}, {"requestContext": {}}, {"task": "sync_all"}])
def test_what_is_no_request_of_an_http_api_is_400(api: ApiDesk, given: object) -> None:
    answer = api.wired.api.answer(given)
    assert answer["statusCode"] == 400
    assert "payload format 2.0" in answer["body"]


def test_the_function_answers_as_its_parts_do(api: ApiDesk) -> None:
    handler.wired.forget()
    given = event("GET", "/contacts", "limit=2", {"authorization": f"Bearer {TOKEN}"}, None, "")
    handler.wired.use(clock=api.desk.clock)
    assert handler.lambda_handler(given, Context()) == api.wired.api.answer(given)
    handler.wired.forget()


# -- trouble ---------------------------------------------------------------------------------------


def test_a_table_that_does_not_answer_is_503_without_its_words(
    api: ApiDesk, changed: Callable[[str, str], None]
) -> None:
    changed("MIRROR_TABLE", "gone-table")
    response = api.get("/contacts")
    refused(response, 503, "The API cannot answer right now. Try again in a moment.")
    assert response.headers["retry-after"] == "5"
    assert "gone-table" not in response.text
    assert api.get("/health").status == 503


def test_a_setting_that_is_missing_is_503_and_tells_only_the_log(
    api: ApiDesk, changed: Callable[[str, str], None], caplog: pytest.LogCaptureFixture
) -> None:
    changed("API_SECRET_ARN", "")
    response = api.get("/contacts")
    refused(response, 503, "The API is not set up correctly.")
    assert "API_SECRET_ARN" not in response.text
    assert "API_SECRET_ARN" in caplog.text


def test_an_error_of_ours_is_500_without_a_trace(api: ApiDesk) -> None:
    item = {"pk": {"S": "odoo#contact#0000000"}, "sk": {"S": "0000000999"}}
    api.desk.client.put_item(TableName=api.desk.table_name, Item=item)
    response = api.get("/contacts/999")
    refused(response, 500, "Something went wrong here.")
    assert "Error" not in response.json["detail"]


def test_every_answer_is_kept_from_caches_and_frames(api: ApiDesk) -> None:
    for target in ("/contacts", "/nothing", "/health", "/sign-in", "/docs"):
        headers = api.get(target).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
