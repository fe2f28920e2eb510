"""Signatures as Standard Webhooks describe them, and the waits, by themselves."""

from __future__ import annotations

import base64
import re
import tomllib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from odoo_qb.errors import Misconfigured
from odoo_qb.webhook.signing import VERSION, keys_of, signed_headers
from odoo_qb.webhook.waits import GIVE_UP_AFTER, LONGEST, asked_seconds, seconds_to_wait

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    """https://github.com/standard-webhooks/standard-webhooks: its libraries test with these."""
    keys = keys_of({"current": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    at = datetime.fromtimestamp(1614265330, UTC)

    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', keys)

    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["content-type"] == "application/json"


@given(st.binary(min_size=24, max_size=64), st.binary(min_size=24, max_size=64), st.text())
def test_the_package_verifies_each_of_two_signatures(one: bytes, two: bytes, text: str) -> None:
    secrets = [f"whsec_{base64.b64encode(key).decode()}" for key in (one, two)]
    now = datetime.now(UTC)

    body = text.encode("utf-8", "replace")
    headers = signed_headers(
        "msg_1", now, body, keys_of({"current": secrets[0], "previous": secrets[1]})
    )

    for secret in secrets:
        Webhook(secret).verify(body, headers, json_parse=False)


@pytest.mark.parametrize(
    "text", ["", "hush", "whsec_", "whsec_c2hvcnQ=", "whsec_" + "A" * 400, "whsec_***", "MfKQ" * 9]
)
def test_a_secret_that_is_none_is_said_without_showing_it(text: str) -> None:
    with pytest.raises(Misconfigured, match="webhook_secret must be whsec_") as error:
        keys_of({"current": text, "previous": ""})
    assert len(str(error.value)) < 120
    assert not text.removeprefix("whsec_") or text not in str(error.value)


@pytest.mark.parametrize("name", ["webhook_secret", "webhook_previous_secret"])
def test_terraform_takes_the_secrets_that_can_sign_and_no_other(name: str) -> None:
    """Or an apply succeeds and nothing is sent from then on: such as without the = at the end."""
    text = (Path(__file__).parents[2] / "companion_variables.tf").read_text()
    block = text.split(f'variable "{name}" {{', 1)[1].split("\n}\n", 1)[0]
    (pattern,) = re.findall(r'regex\("([^"]+)"', block)
    for length in range(20, 70):
        encoded = base64.b64encode(b"k" * length).decode()
        for given_text in {encoded, encoded.rstrip("="), f"{encoded}="}:
            is_taken = re.search(pattern, f"whsec_{given_text}") is not None
            assert is_taken == (given_text == encoded and 24 <= length <= 64), given_text


def test_the_user_agent_has_our_version() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(project.read_text("utf-8"))["project"]["version"] == VERSION
    headers = signed_headers("msg_1", NOW, b"", (b"k" * 24,))
    assert headers["user-agent"] == f"odoo-webhook/{VERSION}"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, None), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("٣", None),
        ("0", 0), ("120", 120), (" 7 ", 7), ("9" * 400, LONGEST),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), LONGEST),
        ("Sat, 28 Nov 2026 08:01:00 -0000", 60), ("Sat, 99 Nov 2026 08:01:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_both_forms(said: str | None, seconds: float | None) -> None:
    assert asked_seconds(said, NOW) == seconds


@given(
    st.integers(1, 1000),
    st.none() | st.floats(0, 1e9),
    st.integers(1, int(GIVE_UP_AFTER.total_seconds())),
    st.floats(0, 1),
)
def test_no_wait_is_longer_than_the_queue_hides_nor_much_past_the_end(
    tries: int, asked: float | None, left: int, at_random: float
) -> None:
    seconds = seconds_to_wait(tries, asked, timedelta(seconds=left), at_random)
    assert 1 <= seconds < 12 * 3600 - 60
    assert seconds <= left * 1.1 + 1
