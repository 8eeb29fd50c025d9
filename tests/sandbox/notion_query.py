"""Filters and sorts of data source queries."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any, Callable

from notion_schema import parse_date
from notion_values import Json, Property, dashed, plain, refused

Row = Any  # has value(prop), created and edited
Find = Callable[[str], Property]  # a property by name or id, or an Error

_TEXTS = ("title", "rich_text", "url", "email", "phone_number")
_DAYS = {"today": 0, "tomorrow": 1, "yesterday": -1, "one_week_ago": -7,
         "one_week_from_now": 7, "one_month_ago": -30, "one_month_from_now": 30}
_SPANS = {"past_week": (-7, 0), "past_month": (-30, 0), "past_year": (-365, 0),
          "next_week": (0, 7), "next_month": (0, 30), "next_year": (0, 365)}


def matches(wanted: Json | None, row: Row, find: Find) -> bool:
    """Does the row pass the filter?"""
    if not wanted:
        return True
    if "and" in wanted:
        return all([matches(one, row, find) for one in wanted["and"]])
    if "or" in wanted:
        return any([matches(one, row, find) for one in wanted["or"]])
    if "timestamp" in wanted:
        stamp = wanted["timestamp"]
        moment = row.created if stamp == "created_time" else row.edited
        return _date_matches(wanted[stamp], _whole_minute(moment))
    prop = find(wanted["property"])
    kind = next(key for key in wanted if key not in ("property", "type"))
    return _compare(prop, kind, wanted[kind], row)


def _compare(prop: Property, kind: str, condition: Json, row: Row) -> bool:
    same = kind == prop.type or (kind in _TEXTS and prop.type in _TEXTS)
    if not same:
        raise refused(f"database property {prop.type} does not match filter "
                      f"{kind}")
    value = row.value(prop)
    operator, operand = next(iter(condition.items()))
    if operator == "is_empty":
        return value in (None, [], "")
    if operator == "is_not_empty":
        return value not in (None, [], "")
    if kind in ("date", "created_time", "last_edited_time"):
        return _date_matches(condition, _moment_of(value))
    if kind in ("formula", "rollup", "verification"):
        return False  # the sandbox computes none of these
    if kind in ("select", "status"):
        option = prop.option_by_id(value) if value else None
        return _choice(operator, operand, [option["name"]] if option else [])
    if kind == "multi_select":
        options = [prop.option_by_id(one) for one in value]
        return _choice(operator, operand, [o["name"] for o in options if o])
    if kind in ("relation", "people", "created_by", "last_edited_by"):
        people = value if isinstance(value, list) else [value]
        return _choice(operator, dashed(operand), [p["id"] for p in people])
    if kind == "checkbox":
        return (value == operand) == (operator == "equals")
    if kind in ("number", "unique_id"):
        return _number_matches(operator, operand, value)
    text = plain(value) if isinstance(value, list) else value or ""
    return _text_matches(operator, operand, text)


def _choice(operator: str, operand: Any, names: list[str]) -> bool:
    wanted = operand if isinstance(operand, list) else [operand]
    found = any(one in names for one in wanted)
    return found != operator.startswith("does_not")


def _text_matches(operator: str, operand: str, text: str) -> bool:
    """Case is not promised to matter, so here it does not: a caller who needs
    the exact text has to look at what came back."""
    operand, text = operand.casefold(), text.casefold()
    return {"equals": text == operand,
            "does_not_equal": text != operand,
            "contains": operand in text,
            "does_not_contain": operand not in text,
            "starts_with": text.startswith(operand),
            "ends_with": text.endswith(operand)}[operator]


def _number_matches(operator: str, operand: float, value: Any) -> bool:
    if value is None:
        return operator == "does_not_equal"
    return {"equals": value == operand,
            "does_not_equal": value != operand,
            "greater_than": value > operand,
            "less_than": value < operand,
            "greater_than_or_equal_to": value >= operand,
            "less_than_or_equal_to": value <= operand}[operator]


# --- dates --------------------------------------------------------------------

def _whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _aware(text: str) -> datetime:
    moment = parse_date(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _moment_of(value: Any) -> datetime | None:
    if not value:
        return None
    return _aware(value["start"] if isinstance(value, dict) else value)


def _date_matches(condition: Json, moment: datetime | None) -> bool:
    operator, operand = next(iter(condition.items()))
    if operator in ("is_empty", "is_not_empty"):
        return (moment is None) == (operator == "is_empty")
    if moment is None:
        return False
    now = datetime.now(timezone.utc)
    if operator in _SPANS:
        first, last = (now + timedelta(days=d) for d in _SPANS[operator])
        return first <= moment <= last
    if operator == "this_week":
        return moment.isocalendar()[:2] == now.isocalendar()[:2]
    begin, end = _interval(operand, now.date())
    return {"equals": begin <= moment < end,
            "before": moment < begin,
            "after": moment >= end,
            "on_or_before": moment < end,
            "on_or_after": moment >= begin}[operator]


def _interval(operand: str, today: date) -> tuple[datetime, datetime]:
    """What a filter's date covers: a day, or a minute."""
    if operand in _DAYS:
        operand = (today + timedelta(days=_DAYS[operand])).isoformat()
    begin = _aware(operand)
    if len(operand) == 10:
        return begin, begin + timedelta(days=1)
    return _whole_minute(begin), _whole_minute(begin) + timedelta(minutes=1)


# --- sorts --------------------------------------------------------------------

def ordered(rows: list[Row], sorts: list[Json], find: Find) -> list[Row]:
    """The rows in the order asked for; without one, in no order."""
    rows = sorted(rows, key=lambda row: row.id)
    for sort in reversed(sorts):
        down = sort["direction"] == "descending"
        key = _sort_key(sort, find)
        empty = [row for row in rows if key(row) is None]
        filled = [row for row in rows if key(row) is not None]
        rows = sorted(filled, key=key, reverse=down) + empty
    return rows


def _sort_key(sort: Json, find: Find) -> Callable[[Row], Any]:
    if "timestamp" in sort:
        stamp = "created" if sort["timestamp"] == "created_time" else "edited"
        return lambda row: _whole_minute(getattr(row, stamp))
    prop = find(sort["property"])

    def key(row: Row) -> Any:
        value = row.value(prop)
        if value in (None, [], ""):
            return None
        if prop.type in ("title", "rich_text"):
            return plain(value).casefold()
        if prop.type in ("date", "created_time", "last_edited_time"):
            return _moment_of(value)
        if prop.type in ("select", "status"):
            return [o["id"] for o in prop.config["options"]].index(value)
        return value if isinstance(value, (int, float, str)) else str(value)
    return key
