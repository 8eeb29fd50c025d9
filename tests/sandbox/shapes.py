"""Checks for the shape of JSON values, built from small parts.

A check takes a value and the path to it, and raises Invalid with a message in
Notion's words ("body.children.length should be ≤ `100`, instead was `101`.").
Objects are closed: a key that nobody has named is refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Union

Check = Callable[[Any, str], None]

# RFC 9562 versions and variant, dashes optional; or the nil UUID.
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[1-8][0-9a-f]{3}-?"
                   r"[89ab][0-9a-f]{3}-?[0-9a-f]{12}|0{8}-?(0{4}-?){3}0{12}",
                   re.IGNORECASE)


class Invalid(Exception):
    """A value that the service refuses; the text says where and why."""


@dataclass(frozen=True)
class Optional:
    """Of a key in closed(): it may be missing."""

    check: Check


Keys = Mapping[str, Union[Check, Optional]]

# Stands for a key that is not there.
UNDEFINED = object()


def shown(value: Any) -> str:
    """The value as error messages quote it."""
    if value is UNDEFINED:
        return "undefined"
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= 100 else text[:97] + "..."


def refuse(where: str, should: str, value: Any) -> None:
    raise Invalid(f"{where} should be {should}, instead was `{shown(value)}`.")


def utf16_length(text: str) -> int:
    """The length as JavaScript counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def anything(value: Any, where: str) -> None:
    """No rule."""


def boolean(value: Any, where: str) -> None:
    if not isinstance(value, bool):
        refuse(where, "a boolean", value)


def number(value: Any, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        refuse(where, "a number", value)


def uuid(value: Any, where: str) -> None:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        refuse(where, "a valid uuid", value)


def nothing(value: Any, where: str) -> None:
    """An object without keys."""
    closed({})(value, where)


def const(*wanted: Any) -> Check:
    def check(value: Any, where: str) -> None:
        if not any(value == one and type(value) is type(one) for one in wanted):
            refuse(where, " or ".join(f"`{shown(one)}`" for one in wanted),
                   value)
    return check


def text(least: int = 0, most: int = 2000) -> Check:
    """A string of so many UTF-16 code units."""
    def check(value: Any, where: str) -> None:
        if not isinstance(value, str):
            refuse(where, "a string", value)
        length = utf16_length(value)
        if length > most:
            refuse(where + ".length", f"≤ `{most}`", length)
        if length < least:
            refuse(where + ".length", f"≥ `{least}`", length)
        if "\0" in value:
            refuse(where, "a string without U+0000", value)
    return check


def integer(least: int, most: int) -> Check:
    def check(value: Any, where: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            refuse(where, "an integer", value)
        if value > most:
            refuse(where, f"≤ `{most}`", value)
        if value < least:
            refuse(where, f"≥ `{least}`", value)
    return check


def array(item: Check, least: int = 0, most: int = 100) -> Check:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, list):
            refuse(where, "an array", value)
        if len(value) > most:
            refuse(where + ".length", f"≤ `{most}`", len(value))
        if len(value) < least:
            refuse(where + ".length", f"≥ `{least}`", len(value))
        for index, one in enumerate(value):
            item(one, f"{where}[{index}]")
    return check


def nullable(inner: Check) -> Check:
    def check(value: Any, where: str) -> None:
        if value is not None:
            inner(value, where)
    return check


def optional(inner: Check | Optional) -> Optional:
    return inner if isinstance(inner, Optional) else Optional(inner)


def either(*inner: Check) -> Check:
    """At least one of the checks passes; the first one's words if none."""
    def check(value: Any, where: str) -> None:
        first = None
        for one in inner:
            try:
                return one(value, where)
            except Invalid as error:
                first = first or error
        assert first is not None
        raise first
    return check


def closed(keys: Keys) -> Check:
    """An object with these keys and no other."""
    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            refuse(where, "an object", value)
        for key in value:
            if key not in keys:
                refuse(f"{where}.{key}", "not present", value[key])
        for key, inner in keys.items():
            if isinstance(inner, Optional):
                if key in value:
                    inner.check(value[key], f"{where}.{key}")
            elif key in value:
                inner(value[key], f"{where}.{key}")
            else:
                refuse(f"{where}.{key}", "defined", UNDEFINED)
    return check


def mapping(inner: Check) -> Check:
    """An object with any keys."""
    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            refuse(where, "an object", value)
        for key, one in value.items():
            inner(one, f"{where}.{key}")
    return check


def variant(kinds: Mapping[str, Check], common: Keys | None = None) -> Check:
    """A closed object with exactly one key out of `kinds`, named as its
    optional "type" says, beside the keys in `common`."""
    shapes = {kind: closed({kind: inner, "type": optional(const(kind)),
                            **(common or {})})
              for kind, inner in kinds.items()}

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            refuse(where, "an object", value)
        for kind, shape in shapes.items():
            if kind in value:
                return shape(value, where)
        raise Invalid("Fix one:\n" + "\n".join(
            f"{where}.{kind} should be defined, instead was `undefined`."
            for kind in kinds))
    return check
