"""Settings of the simulated QuickBooks: limits, and behaviour Intuit does not document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a client may call: Intuit's published limits."""

    enforced: bool = True
    per_second: int = 10
    per_minute: int = 500
    app_batches_per_minute: int = 40
    realm_batches_per_minute: int = 120
    core_plus_per_month: int = 500_000  # reads; writes are not metered
    upload_bytes: int = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """A switch for each behaviour that Intuit leaves undocumented."""

    request_id: Literal[
        "replay_all", "replay_success_only", "error600_on_payload_change", "forget_after_ttl"
    ] = "replay_all"
    request_id_hours: int = 24  # for forget_after_ttl
    request_id_in_flight: Literal["wait", "error600"] = "wait"
    request_id_on_upload: Literal["honoured", "ignored"] = "honoured"
    rotation: Literal["sticky24h", "every_use"] = "sticky24h"
    stale_refresh: Literal["immediate", "grace24h", "reuse_kills_family"] = "immediate"
    concurrent_refresh: Literal["allowed", "revokes_family"] = "allowed"
    upload: Literal["decode", "store_verbatim"] = "decode"
    throttle_body: Literal["json", "xml"] = "json"
    retry_after_seconds: int | None = None
    vendor_ref_on_vendor_credit: Literal["allowed", "refused"] = "refused"
    backslash: Literal["escapes", "literal"] = "escapes"  # of what is not a quote
    query_charset: Literal["utf-8", "iso-8859-1"] = "utf-8"  # Intuit names the second for the US
    duplicates: Literal["per_vendor", "global"] = "per_vendor"
    duplicate_case: Literal["exact", "ignored"] = "ignored"
    inactive_reference: Literal["610", "2500"] = "610"
    inactive_name: Literal["kept", "marked_deleted"] = "kept"
    deleted_suffix: Literal[" (deleted)", " (Deleted)"] = " (deleted)"  # for marked_deleted
    deleted_name: Literal["free", "taken"] = "free"  # for a new vendor, after marked_deleted
    negative_line: Literal["accepted", "refused"] = "accepted"
    zero_total: Literal["accepted", "refused"] = "accepted"
    foreign_payable: Literal["optional", "required"] = "optional"
    total_tax_alone: Literal["ignored", "refused"] = "ignored"  # TotalTax without a TaxLine
    tax_override: Literal["honoured", "ignored"] = "honoured"  # a TaxLine not based on a percent
    tax_account_line: Literal["6430", "6000"] = "6430"  # on an account that QuickBooks keeps
    closed_period: Literal["6210", "6200"] = "6210"
