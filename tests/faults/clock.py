"""Time that passes faster, where the programs wait for minutes.

Whatever moment a job, a service's pause or a trouble is put off to comes FACTOR
times as soon, and what may have been created is so much older: triggers in the
database see to it. What the services do in seconds of theirs (the lag of
queries, a time-out) is given in seconds(), so that the proportions stay.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from integration import Stack, psql

FACTOR = 40

_BEGIN = f"""
CREATE FUNCTION sooner(at timestamptz) RETURNS timestamptz
  LANGUAGE sql STABLE
  RETURN CASE WHEN at > now() THEN now() + (at - now()) / {FACTOR} ELSE at END;

CREATE FUNCTION job_sooner() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN NEW.run_at := sooner(NEW.run_at); RETURN NEW; END';
CREATE TRIGGER sooner BEFORE UPDATE OF run_at ON job FOR EACH ROW
  WHEN (NEW.run_at <> OLD.run_at) EXECUTE FUNCTION job_sooner();

CREATE FUNCTION bucket_sooner() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN NEW.paused_until := sooner(NEW.paused_until); RETURN NEW; END';
CREATE TRIGGER sooner BEFORE UPDATE OF paused_until ON bucket FOR EACH ROW
  WHEN (NEW.paused_until IS DISTINCT FROM OLD.paused_until)
  EXECUTE FUNCTION bucket_sooner();

CREATE FUNCTION trouble_sooner() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN NEW.next_at := sooner(NEW.next_at); RETURN NEW; END';
CREATE TRIGGER sooner BEFORE UPDATE OF next_at ON trouble FOR EACH ROW
  WHEN (NEW.next_at <> OLD.next_at) EXECUTE FUNCTION trouble_sooner();

-- when a page's row was put; a worker that takes up its job finds it older
CREATE TABLE put_at (kind text, id text, at timestamptz,
  PRIMARY KEY (kind, id));
CREATE FUNCTION page_put() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER AS
  'BEGIN
     INSERT INTO put_at VALUES (NEW.kind, NEW.resource_id, now())
     ON CONFLICT (kind, id) DO UPDATE SET at = now();
     RETURN NULL;
   END';
CREATE TRIGGER put_at AFTER INSERT OR UPDATE OF state ON page FOR EACH ROW
  EXECUTE FUNCTION page_put();
CREATE FUNCTION job_claimed() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER AS
  'BEGIN
     UPDATE page p
        SET intent_at = now() - {FACTOR} * (now() - i.at),
            written_at = now() - {FACTOR} * (now() - i.at)
       FROM put_at i
      WHERE (i.kind, i.id) = (NEW.kind, NEW.resource_id)
        AND (p.kind, p.resource_id) = (NEW.kind, NEW.resource_id);
     RETURN NULL;
   END';
CREATE TRIGGER claimed AFTER UPDATE OF lease_by ON job FOR EACH ROW
  WHEN (NEW.lease_by IS NOT NULL) EXECUTE FUNCTION job_claimed();
"""

_END = """
DROP FUNCTION job_sooner, bucket_sooner, trouble_sooner, page_put,
  job_claimed, sooner CASCADE;
DROP TABLE put_at;
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
