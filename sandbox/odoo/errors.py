"""What Odoo says instead of an answer, in the words of each version."""

from __future__ import annotations

from typing import Final

V16, V17, V18, V19 = 16, 17, 18, 19  # 19 rewrote domains, and most of their errors

EXPIRED: Final = "odoo.http.SessionExpiredException"


class OdooError(Exception):
    """What Odoo answers instead of a result: an exception's name and its sentence."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def value_error(message: str) -> OdooError:
    """A ValueError of the server's Python, the commonest answer to a wrong question."""
    return OdooError("builtins.ValueError", message)


class Unserialisable(Exception):  # noqa: N818 - no error of ours: Odoo fails to answer
    """The answer holds bytes, which Odoo from 18 on cannot send: a plain HTTP 500."""


def for_version[T](known: dict[int, T], version: int) -> T:
    """What holds for this version: said for it or for the nearest one before it."""
    return known[max(v for v in known if v <= version)]


def user_error(message: str) -> OdooError:
    """A mistake that Odoo explains."""
    return OdooError("odoo.exceptions.UserError", message)


def access_error(message: str) -> OdooError:
    """The refusal of something the user has no right to."""
    return OdooError("odoo.exceptions.AccessError", message)


def unknown_method(version: int, model: str, method: str) -> OdooError:
    """A method that is not there or, with an underscore, not for callers from outside."""
    if method.startswith("_"):
        full = f"'{model}.{method}'" if version >= V18 else method
        return access_error(f"Private methods (such as {full}) cannot be called remotely.")
    texts = {
        V16: f"type object '{model}' has no attribute '{method}'",
        V17: f"The method '{method}' does not exist on the model '{model}'",
        V18: f"The method '{model}.{method}' does not exist",
    }
    return OdooError("builtins.AttributeError", for_version(texts, version))


def wrong_arguments(version: int, method: str, complaint: object) -> OdooError:
    """Arguments that the method does not take; search_read hands its own on to another."""
    names = {V16: "read", V17: "_read_format"} if method == "search_read" else {V16: method}
    name = for_version(names, version)
    return OdooError("builtins.TypeError", f"BaseModel.{name}() {complaint}")


def unknown_field(version: int, model: str, name: str) -> OdooError:
    """A field to be read that the model does not have."""
    where = "on" if version >= V19 else "on model"
    return value_error(f"Invalid field '{name}' {where} '{model}'")


def unreadable_bill(version: int) -> OdooError | None:
    """What a reader of bills gets for asking without a field list; nothing in 17 and 18."""
    if version == V16:
        return OdooError(
            "builtins.TypeError", "keys must be str, int, float, bool or None, not frozendict"
        )
    if version < V19:
        return None
    return access_error(
        "Failed to read field account.move.transaction_ids\nYou are not allowed to access"
        " 'Payment Transaction' (payment.transaction) records.\n\nThis operation is"
        " allowed for the following groups:\n\t- Accounting/Invoicing\n"
        "\t- Role / Administrator\n\nContact your administrator to request access if necessary."
    )


def no_domain(version: int, domain: object) -> OdooError:
    """Something else where a domain should be."""
    if version >= V19:
        return OdooError(
            "builtins.TypeError", f"Domain() invalid argument type for domain: {domain!r}"
        )
    return OdooError(
        "builtins.AssertionError",
        "Domains to normalize must have a 'domain' form: a list or tuple of domain components",
    )


def malformed_domain(version: int, domain: object) -> OdooError:
    """An operator without enough conditions after it."""
    if version >= V19:
        return value_error(f"Domain() malformed domain {domain}")
    if version >= V17:
        return value_error(f"Domain {domain} is syntactically not correct.")
    return OdooError(
        "builtins.AssertionError", f"This domain is syntactically not correct: {domain}"
    )


def bad_term(version: int, term: object) -> OdooError:
    """A condition that is not [field, operator, value]."""
    if version >= V19:
        return value_error(f"Domain() invalid item in domain: {term!r}")
    if version >= V17 and isinstance(term, list):
        return value_error(f"not enough values to unpack (expected 3, got {len(term)})")
    return value_error(f"Invalid leaf {tuple(term) if isinstance(term, list) else term}")


def bad_operator(version: int, leaf: tuple[object, ...]) -> OdooError:
    """A condition with an operator that there is not."""
    where = "operator in condition" if version >= V19 else "leaf"
    return value_error(f"Invalid {where} {leaf}")


def unknown_field_in_domain(version: int, field: str, leaf: tuple[object, ...]) -> OdooError:
    """A condition on a field that the model does not have."""
    where = "condition" if version >= V19 else "leaf"
    return value_error(f"Invalid field {field} in {where} {leaf}")


def no_instant(version: int, text: str) -> OdooError:
    """A condition on time with something that is none."""
    if version >= V19:
        return value_error(f"Invalid term {text!r} in expression date: {text!r}")
    return OdooError(
        "psycopg2.errors.InvalidDatetimeFormat",
        f'invalid input syntax for type timestamp: "{text}"\nLINE 1: ...\n',
    )


def denied() -> OdooError:
    """The login, the key or the password is wrong."""
    return OdooError("odoo.exceptions.AccessDenied", "Access Denied")


def expired() -> OdooError:
    """The web client's session has ended."""
    return OdooError(EXPIRED, "Session expired")
