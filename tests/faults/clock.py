"""Time that passes faster, where the programs wait for minutes.

Whatever moment a job or a pause of a service is put off to comes FACTOR times
as soon: a trigger in the database sees to it. What the services do in seconds
of theirs (the lag of queries, a time-out) is given in seconds(), so that the
proportions stay.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from integration import Stack, psql

FACTOR = 40

_BEGIN = f"""
CREATE FUNCTION sooner(at timestamptz) RETURNS timestamptz
  LANGUAGE sql STABLE
  RETURN now() + (at - now()) / {FACTOR};
CREATE FUNCTION job_sooner() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN NEW.run_at := sooner(NEW.run_at); RETURN NEW; END';
CREATE FUNCTION bucket_sooner() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN NEW.paused_until := sooner(NEW.paused_until); RETURN NEW; END';
CREATE TRIGGER sooner BEFORE UPDATE OF run_at ON job FOR EACH ROW
  WHEN (NEW.run_at > now() AND NEW.run_at <> OLD.run_at)
  EXECUTE FUNCTION job_sooner();
CREATE TRIGGER sooner BEFORE UPDATE OF paused_until ON bucket FOR EACH ROW
  WHEN (NEW.paused_until > now()
        AND NEW.paused_until IS DISTINCT FROM OLD.paused_until)
  EXECUTE FUNCTION bucket_sooner();
"""

_END = """
DROP TRIGGER sooner ON job;
DROP TRIGGER sooner ON bucket;
DROP FUNCTION job_sooner, bucket_sooner, sooner;
"""


def seconds(real: float) -> float:
    """What that many seconds take here."""
    return real / FACTOR


def conf(real: float) -> str:
    """The same, as a time of the configuration."""
    return f"{round(1000 * seconds(real))}ms"


@contextlib.contextmanager
def faster(stack: Stack) -> Iterator[None]:
    psql(stack.env, _BEGIN)
    try:
        yield
    finally:
        psql(stack.env, _END)
