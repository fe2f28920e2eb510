"""Domains put together as each version of the sandbox's Odoo writes them into its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.errors import V16, V19

if TYPE_CHECKING:
    from collections.abc import Sequence

type Domain = list[Any]

_SIGNS: Final = {"&": 2, "|": 2, "!": 1}  # and how many conditions each takes


def and_of(version: int, domain: object, more: Sequence[Domain]) -> Domain:
    """The domain and all of the others: 16 has its own last, 19 writes its signs first."""
    own = list(domain) if isinstance(domain, list | tuple) else []
    if not more and version < V19:
        return own
    parts = [_conjunction(own), *more] if version > V16 else [*more, _conjunction(own)]
    parts = [part for part in parts if part]
    if version < V19:
        return ["&"] * (len(parts) - 1) + [term for part in parts for term in part]
    terms = [term for part in parts for term in _terms(part)]
    return ["&"] * (len(terms) - 1) + [item for term in terms for item in term]


def _conjunction(domain: Domain) -> Domain:
    """The domain with every "and" written out."""
    count = len(_parts(domain))
    return ["&"] * (count - 1) + domain


def _parts(domain: Domain) -> list[Domain]:
    """The conditions that stand side by side in a domain, each with the signs before it."""
    parts: list[Domain] = []
    rest = list(domain)
    while rest:
        part, rest = _first(rest)
        parts.append(part)
    return parts


def _first(domain: Domain) -> tuple[Domain, Domain]:
    """The first complete condition, and what comes after it."""
    wanted = 1
    for place, item in enumerate(domain):
        wanted += _SIGNS.get(item, 0) - 1 if isinstance(item, str) else -1
        if not wanted:
            return domain[: place + 1], domain[place + 1 :]
    raise AssertionError("a malformed domain finds nothing to group")


def _terms(domain: Domain) -> list[Domain]:
    """The conditions of a domain that must all hold."""
    if domain[:1] == ["&"]:
        left, right = _first(domain[1:])
        return [*_terms(left), *_terms(right)]
    return [domain]
