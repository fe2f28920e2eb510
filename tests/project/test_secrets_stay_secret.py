"""No secret is where somebody could read it, whatever happened: the whole story, then a search.

The story has what goes well and what goes wrong; the search knows every secret that was given to
the functions or that they were handed on the way. What Terraform keeps is searched in tests/e2e.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

import extractor
import poster
from sandbox.in_process.chain import CHANNEL, Context

if TYPE_CHECKING:
    from sandbox.in_process.chain import World

GIVEN: Final = {
    *("sandbox-odoo-key", "sandbox-odoo-password", "xoxb-sandbox", "sandbox-signing-secret"),
    "sandbox-client-secret",
    base64.b64encode(b"sandbox-client:sandbox-client-secret").decode(),  # as Intuit is shown it
}
LINK: Final = "X-Amz-Signature="
PLACES: Final = ("logs", "table", "bucket", "mails", "answers", "channel", "people")


def act(event: dict[str, Any]) -> str:
    return json.dumps(poster.lambda_handler(event, Context()))


def extract(world: World) -> str:
    try:
        return json.dumps(world.extract())
    except extractor.ExtractionFailed as failure:
        return str(failure)


def what_goes_well(world: World) -> list[str]:
    """Cards, a look at a PDF, decisions, postings, tokens that rotate."""
    world.quickbooks.modes = replace(world.quickbooks.modes, rotation="every_use")
    first, second, third = (world.odoo.new_bill(reference=f"S-{n}") for n in range(3))
    for number in (first, second, third):
        world.odoo.attach(number, f"{number}.pdf", b"%PDF of a bill")
    said = [act({"action": "sync_reference"}), extract(world)]
    world.show()
    world.click(f"odoo-{first}", "view_pdf")
    world.click(f"odoo-{first}", "approve_invoice")
    world.reject(f"odoo-{second}", "not ours")
    world.quickbooks.inject("unauthorized", path="/bill")
    said += [json.dumps(world.post()), act({"action": "check_connections"})]
    world.show()
    assert world.item(f"odoo-{first}")["status"] == "POSTED"
    return said


def what_goes_wrong(world: World) -> list[str]:
    """A refused posting, a forged click, a Slack and an Odoo that refuse us, a dead connection."""
    refused, waiting = (world.odoo.new_bill(reference=f"W-{n}") for n in range(2))
    said = [extract(world)]
    world.show()
    world.quickbooks.inject("fault", path="/bill", code="6000", status=400, detail="No.")
    world.click(f"odoo-{refused}", "approve_invoice")
    said.append(json.dumps(world.post()))
    assert world.item(f"odoo-{refused}")["status"] == "POST_FAILED"
    forged = world.slack.click("U-APPROVER", CHANNEL, last_card(world), "approve_invoice")
    signature = "v0=" + "0" * 64
    headers = {**forged.headers, "X-Slack-Signature": signature}
    assert world.request(replace(forged, headers=headers))["statusCode"] == 401
    world.slack.fail("error", method="chat.update", error="token_revoked")
    said.append(json.dumps(world.show()))
    world.click(f"odoo-{waiting}", "approve_invoice")
    for family in world.quickbooks._tokens.families:
        family.revoked = True
    world.restart()
    said += [json.dumps(world.post()), act({"action": "check_connections"})]
    (user,) = world.odoo.users.values()
    world.odoo.admit(replace(user, api_key="another", password="another"))
    return [*said, extract(world)]


def last_card(world: World) -> str:
    return next(reversed(world.slack.channels[CHANNEL].messages))


def issued(world: World) -> set[str]:
    """The tokens Intuit handed out, the first ones among them."""
    tokens: set[str] = set()
    for family in world.quickbooks._tokens.families:
        tokens |= {family.refresh_token, *family.retired, *family.access}
    return tokens


def forms(secret: str) -> set[str]:
    """How a secret may be written: as it is, in an address, in base64."""
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}


def found(places: dict[str, str], secrets: set[str]) -> set[tuple[str, str]]:
    """Where which secret is."""
    return {
        (place, secret)
        for place, text in places.items()
        for secret in secrets
        if any(form in text for form in forms(secret))
    }


def bucket_of(world: World) -> str:
    s3, bucket = world.clients["s3"], world.names["bucket"]
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
    return "".join(
        f"{key} {s3.get_object(Bucket=bucket, Key=key)['Body'].read().decode(errors='replace')}"
        for key in keys
    )


@pytest.fixture
def told(
    world: World,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[dict[str, str], set[str]]:
    """Whatever anybody could read after the story, by place, and what must not be there."""
    caplog.set_level("INFO")  # libraries' own lines too, more of them than production keeps
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "OdooQuickBooks")
    world.forget_old_bills()
    extractor.wired.use(sleep=lambda _seconds: None)
    said = what_goes_well(world) + what_goes_wrong(world)
    channels = world.slack.channels.values()
    rows = world.clients["dynamodb"].scan(TableName=world.names["table"])["Items"]
    return {
        "logs": "".join(capfd.readouterr()) + "".join(str(vars(r)) for r in caplog.records),
        "table": json.dumps(rows, default=str),
        "bucket": bucket_of(world),
        "mails": "".join(world.mails()),
        "answers": json.dumps(said) + json.dumps(world.answers),
        "channel": repr([channel.messages for channel in channels]),
        "people": repr([channel.ephemerals for channel in channels]) + repr(world.slack.views),
    }, GIVEN | issued(world)


def test_no_secret_is_where_somebody_could_read_it(told: tuple[dict[str, str], set[str]]) -> None:
    places, secrets = told

    assert set(places) == set(PLACES)
    assert all(len(text) > 100 for text in places.values())  # something was there to search
    assert len(secrets) > len(GIVEN) + 8  # a first token of each company, and later ones
    assert found(places, secrets) == set()
    # The link to a document lets in whoever has it: it goes to the one who asked, and nowhere else.
    assert {place for place, text in places.items() if LINK in text} == {"people"}
    assert "Traceback" not in "".join(places.values())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", range(3))
def test_a_secret_that_was_there_would_be_found(place: str, form: int) -> None:
    secret = "sandbox-refresh-north/2"
    written = sorted(forms(secret))[form]

    planted = dict.fromkeys(PLACES, "a line") | {place: f'{{"reason": "{written}"}}'}

    assert found(planted, {secret, "another"}) == {(place, secret)}
