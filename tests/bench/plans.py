"""Every statement, run where much is stored: what it reads, and how.

fill.sql has filled the database. Each statement of sql/queries runs as
db_run() sends it (planned for its values) in a transaction that is rolled
back, and so does whatever the SQL functions run; auto_explain tells the plans.
A statement must find what it is about by an index: it goes through no large
table, and touches no more than PAGES of any, unless it is in WHOLE.

usage: plans.py DIR            the state folder of a stack: what each touches
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from conftest import PSQL, clean_environment  # noqa: E402

# Tables that grow with what was stored. The queue (job) has its own
# measurements: it is as long as there is work.
LARGE = re.compile(r"(event|event_body_\d{4}w\d\d|resource|page|media|job_done"
                   r"|attempt|listing|upstream|finding|directory"
                   r"|contact_number|forgotten|usage)\Z")
# of 8 KiB. Some ranges of a BRIN index are 256, and `status` counts what came in
# today, which is more in the evening.
PAGES = 1500
SOME = 20  # a table so small is best read whole

# Statements that are about all that is stored, or all of a stretch of it.
BATCH = "a batch of some thousands, from where the one before ended"
BACKLOG = "of each unfinished job: is it the backfill's?"
WHOLE = {
    "backfill_cancel": BACKLOG, "backfill_list": BACKLOG,
    "backfill_undue": BACKLOG, "doctor_history": BACKLOG,
    "forget_listing": BACKLOG,
    "compare_next": "a slice of what is compared",
    "compare_pages": "a slice of what is compared",
    "events 5": "a person asks for an outcome, which no index knows",
    "export_keys": BATCH, "relink": BATCH, "replay": BATCH,
    "forget_scan": BATCH, "forget_events": BATCH,
    "forget_rows": "its bodies are looked for in each week's partition",
    "forget_undo": "once a person",
    "forget_seal": "whose jobs are finished is in no index: once a person",
    "expire_attempts": "a batch of 1000", "expire_dead": "a batch of 1000",
    "expire_events": "a batch of 1000",
    "expire_finished": "a batch of 1000",
    "expire_names": "once a day: all names that OpenPhone does not know",
    "expire_partitions": "once a day: all of a week that is over",
    "finding_list": "a person reads what was found",
    "findings_json": "a person reads what was found",
    "gone_next": "OpenPhone's list of a stretch of time against ours",
    "gone_returned": "all that OpenPhone listed",
    "listing_begin": "a batch of 20,000",
    "reconcile_report": "all that OpenPhone listed, and was found, is counted",
    "repair_pages": "a batch of 1000",
    "storage_put": "once a day: all that is stored is counted",
    "upstream_begin": "a batch of 20,000",
}

# What is no question to the tables, or needs a session or a lock of its own.
LEFT_OUT = {"finding_end", "grants", "listen", "listing_end", "migration_add",
            "migration_lock", "migration_table", "migration_version",
            "notify", "session"}

# What the arguments below are about, as variables of psql's.
SETTING = r"""
INSERT INTO run (host, pid, born, program)
VALUES ('here 1', 1, 'x', 'plans') RETURNING id AS run \gset
SELECT id AS job, resource_id AS call, workspace AS ws FROM job
 WHERE kind = 'call' AND workspace = 'default' AND NOT dead LIMIT 1 \gset
UPDATE job SET lease_by = :run, claimed_at = now(),
       lease_until = now() + interval '1 hour' WHERE id = :job;
SELECT id || '/' || generation AS dead FROM job WHERE dead LIMIT 1 \gset
SELECT resource_id AS message FROM event WHERE kind = 'message'
 ORDER BY id DESC LIMIT 1 \gset
SELECT id AS event, received_at AS event_at, delivery_key AS delivery
  FROM event WHERE resource_id = :'call' ORDER BY id LIMIT 1 \gset
SELECT page_id AS page FROM page WHERE resource_id = :'call' \gset
SELECT slot, token FROM media WHERE resource_id = :'call' \gset
SELECT id AS contact FROM directory WHERE kind = 'contact' LIMIT 1 \gset
SELECT resource_id AS found, page_id AS found_page FROM finding
 WHERE kind = 'call' AND workspace = 'default' LIMIT 1 \gset
SELECT json_build_array(json_build_object('id', page_id, 'text', resource_id,
	'url', url, 'created_time', created_at)) AS listed
  FROM page WHERE resource_id = :'call' \gset
SELECT received_at AS since FROM event
 WHERE id = (SELECT greatest(1, max(id) - 2000) FROM event) \gset
SELECT min(resource_id) AS slice, max(resource_id) AS slice_end FROM (SELECT resource_id FROM page
	WHERE workspace = 'default' AND kind = 'call'
	   AND resource_id < 'ACfill8' ORDER BY 1 DESC LIMIT 1000) p \gset
SELECT id AS slice_number FROM backfill_slice LIMIT 1 \gset
UPDATE backfill_slice SET progress = 'queued' WHERE id = :slice_number;
INSERT INTO forgetting (workspace, person, redacted, os_user, numbers,
	contacts)
VALUES ('default', '{}', true, 'somebody', '{+15550000007}', '{}')
RETURNING id AS forgetting \gset
INSERT INTO forgetting_item VALUES (:forgetting, 'call', :'call', 'redact');
SELECT facts AS facts FROM resource WHERE id = :'call' \gset
"""

OF_CALL = ":'ws', 'call', :'call'"
HELD = ":job, :run"
# The arguments of each statement with parameters; several calls of it.
ARGUMENTS: dict[str, list[str]] = {
    "alert_backlog": [":'ws', 60000"], "alert_dead": [":'ws'"],
    "alert_failing": [":'ws'"],
    "alert_host": ["'disk', 'here', '[{\"part\": \"\", \"reason\": \"x\"}]'"],
    "alert_next": [":'ws', 60000"], "alert_paused": [":'ws'"],
    "alert_silence": [
        f"'{workspace}', 60000, 'UTC', '{{1,2,3,4,5,6,7}}', 0, 1440"
        for workspace in ("default", "second", "quiet", "nobody")],
    "alert_told": [":'ws', 'dead', '', '', 'begins'"],
    "alert_untold": [":'ws', 'no', 1"],
    "attempts_list": [":'ws', :'call', 20"],
    "backfill_add": [":'ws', '2026-01-01', '2026-02-01', '', '{}', 'dated'"],
    "backfill_cancel": [":'ws', 1"],
    "backfill_due": [":'ws', 'call', ARRAY[:'call'], ARRAY[:'call'],"
                     " ARRAY[:'call'], 10"],
    "backfill_full": [":'ws', 1000"], "backfill_hold": ["1"],
    "backfill_known": [":'ws', 'call', ARRAY[:'call']"],
    "backfill_later": [HELD + ", 1000"], "backfill_list": [":'ws', 1"],
    "backfill_next": ["1, 2, 10"],
    "backfill_slice_add": ["1, 'calls', 'PN2', '+15550000001', '', '',"
                           " '2026-01-01', '2026-02-01'"],
    "backfill_slice_get": [":slice_number"],
    "backfill_slice_put": [f":slice_number, NULL, 1, 1, 'queued', NULL,"
                           f" {HELD}"],
    "backfill_undue": [":'ws', 1"],
    "bucket_pause": [":'ws', 'notion', 180, 60000, 1, 'x', true"],
    "bucket_take": [":'ws', 'notion', 180, 60000, false, 'call', :job"],
    "chore_end": [":'ws', 'x', :run, 'x'"],
    "chore_keep": [":'ws', 'x', :run, 60"],
    "chore_take": [":'ws', 'x', :run, 60"],
    "compare_next": [":'ws', 'call', '', 1000",
                     ":'ws', 'message', :'message', 1000"],
    "compare_pages": [":'ws', 'call', 'source', now(), :'slice',"
                      " :'slice_end'"],
    "contact_due": [":'ws', :'contact', true"],
    "contact_numbers_put": [":'ws', :'contact', '{+15550000001}'"],
    "deliveries_missing": [":'ws', ARRAY[:'delivery', 'x']"],
    "destination_get": [":'ws', 'call'"],
    "destination_known": [":'ws', 'call', 'source'"],
    "destination_put": [":'ws', 'call', 'd', 's', 'ours', '{}', '{}', '[]',"
                        " true"],
    "directory_get": [":'ws', ARRAY[:'contact', 'PN1', 'US20'],"
                      " '{+15550000007}'"],
    "directory_put": [":'ws', 'contact', :'contact', 'B', NULL"],
    "doctor_files": [":'ws'", "'quiet'"],
    "doctor_history": [":'ws'", "'second'", "'nobody'"],
    "doctor_link": [":'ws'", "'quiet'", "'nobody'"],
    "doctor_probe": [":'ws', 'x'"], "doctor_probed": [":'ws', 'x'"],
    "doctor_queue": [":'ws'", "'quiet'", "'nobody'"],
    "doctor_runs": [":'ws', 'here 1'"],
    "event_piece": [":event, :'event_at', 1, 100"],
    "event_seen": [":'ws', :'delivery'"],
    "event_store": [
        "ARRAY[:'ws'], '{new}', '{e}', '{call.completed}', '{2}', '{call}',"
        " ARRAY[:'call'], '{2026-01-01}', '{NULL}', '{\"{}\"}',"
        " ARRAY['x'::bytea], '{t}'"],
    "events": [
        ":'ws', NULL, NULL, NULL, NULL, NULL, NULL, 20",
        "'quiet', NULL, NULL, NULL, NULL, NULL, NULL, 20",
        ":'ws', NULL, NULL, NULL, :'since', NULL, NULL, 20",
        ":'ws', NULL, NULL, NULL, NULL, NULL, :'call', 20",
        ":'ws', NULL, NULL, NULL, NULL, NULL, :'delivery', 20",
        ":'ws', 'call.ringing', 'call', 'done', NULL, NULL, NULL, 20"],
    "expire_attempts": ["2500000000, 1000"], "expire_bodies": ["31000000000"],
    "expire_dead": ["0, 1000"], "expire_events": ["31000000000"],
    "expire_finished": ["31000000000, 1000"], "expire_names": ["0"],
    "expire_partitions": ["31000000000"], "expire_usage": ["31000000000"],
    "export_get": [":'ws', 'call', ARRAY[:'call'], 'https://a/r/'"],
    "export_keys": [":'ws', NULL, NULL, NULL, '[]', 'call', :'call'"],
    "finding_drop": [":'ws', 'call', 'missing', :'found_page'"],
    "finding_list": [":'ws', 20, NULL"],
    "finding_next": [":'ws', 'call', 'missing', ''"],
    "finding_put": [":'ws', 'call', 'openphone',"
                    " '[{\"what\": \"lost\", \"resource_id\": \"x\"}]',"
                    " false"],
    "finding_undelivered": [OF_CALL + ", false"],
    "findings_json": [":'ws', 20, NULL"],
    "forget_add": [":forgetting, 'call', 'x', 'erase'"],
    "forget_begin": [":'ws', '[\"+15550000007\"]', '[]', true, 'x'"],
    "forget_counts": [":forgetting, :'ws'"],
    "forget_events": [":forgetting, :'ws', '[\"+15550000007\"]', 0"],
    "forget_facts": [OF_CALL], "forget_files": [OF_CALL],
    "forget_finish": [":forgetting"], "forget_job": [OF_CALL],
    "forget_lines": [":'ws'"], "forget_listing": [":'ws'"],
    "forget_next": [":forgetting"], "forget_open": [":'ws'"],
    "forget_pages": [OF_CALL],
    "forget_person": [":'ws', '{+15550000007}', ARRAY[:'contact']"],
    "forget_rows": [":forgetting, 'call', :'call', :'facts', 'answered', 1,"
                    " 1"],
    "forget_scan": [":'ws', '[\"+15550000007\"]', 'call', :'call'"],
    "forget_seal": [":forgetting"], "forget_undo": [":'ws', '+15550000007'"],
    "forgotten_listed": [OF_CALL + ", now(), '[\"+15550000007\"]'"],
    "gone_contacts": [":'ws'", "'second'"],
    "gone_next": [":'ws', 'call', :'since', '2030-01-01', '{PN1}', '', 100"],
    "gone_returned": [":'ws'"],
    "job_due": [OF_CALL + ", 0"],
    "job_extend": [HELD + ", 60"],
    "job_fail": [HELD + ", 1000, 'no', 'retry', false, true, 1"],
    "job_finish": [":run, ARRAY[:job]::bigint[], '{1}'"],
    "job_live_due": [":'ws'"],
    "job_next": [":run, 60, :'ws', ARRAY[:job]::bigint[], '{1}', 1, 32767,"
                 " -32768, '-infinity', 0"],
    "job_give_back": ["ARRAY[:job], :run"],
    "job_next_at": [":'ws'"], "job_release": [":run"],
    "job_show": [":'ws', :'call'"], "jobs_discard": ["ARRAY[:'dead']"],
    "jobs_due": [":'ws', 'call', ARRAY[:'call'], 0"],
    "jobs_hold": [":'ws', 'call', ARRAY[:'call']"],
    "jobs_list": [":'ws', true, NULL, NULL, '{}', 20"],
    "jobs_retry": ["ARRAY[:'dead']"], "json_ahead": ["'{'"],
    "link_get": ["ARRAY[:'ws'], :'token'", "ARRAY[:'ws'], 'none'"],
    "listing_begin": [":'ws', 'call', ''"],
    "listing_put": [":'ws', 'call', false, :'listed'"],
    "media_attached": [OF_CALL], "media_get": [OF_CALL],
    "media_links": [":'ws', :'call', NULL"],
    "media_put": [OF_CALL + ", :'slot', 'stored', NULL, 'k', 's', 1, 't',"
                  " 'x'"],
    "media_relink": [OF_CALL + ", :'slot', 'x'"],
    "media_upload": [OF_CALL + ", :'slot', 'x', 'pending'"],
    "operator_acted": [":'ws'"],
    "page_doubles": [OF_CALL + ", '[]'"],
    "page_find": [":'ws', :'call'", ":'ws', :'page'"],
    "page_forget": [OF_CALL + f", {HELD}"], "page_get": [OF_CALL],
    "page_intend": [OF_CALL + f", 't', 'i', '{{}}', '[]', 's', {HELD}"],
    "page_looked": [OF_CALL + f", {HELD}"],
    "page_put": [OF_CALL + ", 'written', :'page', 'u', 't', 'i', '{}', '[]',"
                 f" 's', {HELD}, false"],
    "reconcile_report": [":'ws', NULL"],
    "relink": [":'ws', '{}', NULL, false, 10, 'message', :'message'"],
    "repair_pages": [":'ws', 'call', 's', 'p', true, 10"],
    "replay": [":'ws', '{}', NULL, NULL, NULL, true, 10, 'call', :'call'"],
    "resource_events": [OF_CALL + ", 1000"],
    "resource_get": [OF_CALL + ", 1000"],
    "resource_list": [OF_CALL + ", '{}', '{}', 'answered', '{}',"
                      " now(), 0"],
    "resource_piece": [OF_CALL + ", 1, 100"],
    "resource_put": [OF_CALL + ", '{}', '{}', 'answered', '{}', 0, NULL,"
                     f" {HELD}, false, false"],
    "resource_unknown": [":'ws', ARRAY[:'call', 'x']"],
    "run_begin": ["'h', 1, 'x', 'x'"], "run_died": [":run"],
    "run_end": [":run"], "run_here": ["'here 1'"],
    "run_seen": ["ARRAY[:'ws'], 'here 1'"],
    "run_started": ["ARRAY[:'ws'], 'here 1', 'x'"],
    "settle_left": [OF_CALL + ", NULL, 60000"],
    "status": [f"'{workspace}', 180, 60000, 10, 1000"
               for workspace in ("default", "quiet", "nobody")],
    "status_strange": ["ARRAY[:'ws']"], "status_troubles": [":'ws'"],
    "storage_put": [":'ws'"],
    "trouble_ended": [":'ws', 'notion', ''"],
    "trouble_met": [":'ws', 'notion', '', 'x'"],
    "trouble_wait": [":'ws', 'notion', '', :job"],
    "upstream_after": [":'ws', 'call', '[{\"id\": \"x\", \"known\": false}]'"],
    "upstream_before": [":'ws', 'call', ARRAY[:'call', 'x']"],
    "upstream_begin": [":'ws', '', ''"],
}


@dataclass
class Found:
    """What one run of a statement did, with all that it called."""

    name: str
    call: int
    ms: float = 0
    pages: int = 0
    plans: list[dict[str, Any]] = field(default_factory=list)

    def scans(self) -> Iterator[str]:
        """The large tables that it went through."""
        for plan in self.plans:
            for node in nodes(plan["Plan"]):
                table = node.get("Relation Name", "")
                if LARGE.match(table) and touched(node) > SOME \
                        and whole(node):
                    yield f"{node['Node Type']} of {table}"

    def wrong(self) -> list[str]:
        """What it should not do."""
        if self.name in WHOLE or f"{self.name} {self.call}" in WHOLE:
            return []
        found = sorted(set(self.scans()))
        if self.pages > PAGES:
            found.append(f"{self.pages} pages")
        return [f"{self.name} ({self.call}): {what}" for what in found]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def touched(node: dict[str, Any]) -> int:
    return node["Shared Hit Blocks"] + node["Shared Read Blocks"]


def whole(node: dict[str, Any]) -> bool:
    return (node["Node Type"].endswith("Seq Scan")
            or node["Node Type"].startswith("Index")
            and "Index Cond" not in node)


def statements() -> dict[str, str]:
    return {path.stem: path.read_text()
            for path in sorted((TOP / "sql" / "queries").glob("*.sql"))
            if path.stem not in LEFT_OUT}


def script(names: list[str] | None = None) -> str:
    out = [r"\set QUIET on", r"\pset footer off", r"\o /dev/null", SETTING,
           "LOAD 'auto_explain';",
           *(f"SET auto_explain.{name};" for name in (
               "log_min_duration = 0", "log_format = json",
               "log_analyze = on", "log_buffers = on", "log_timing = off",
               "log_nested_statements = on", "log_level = 'notice'")),
           "SET statement_timeout = '5min';",
           "SET client_min_messages = notice;",
           # as ons-process plans: for the values
           "SET plan_cache_mode = force_custom_plan;"]
    for name, text in statements().items():
        if names is not None and name not in names:
            continue
        out.append(f"PREPARE {name} AS {text};")
        for number, arguments in enumerate(ARGUMENTS.get(name, [""])):
            given = f"({arguments})" if arguments else ""
            run = ["BEGIN;", f"EXECUTE {name}{given};", "ROLLBACK;"]
            if name not in WHOLE:  # catalogs and functions into memory
                out += [r"\warn === before -1", *run]
            out += [rf"\warn === {name} {number}", *run]
    return "\n".join(out)


def look(env: dict[str, str], names: list[str] | None = None) -> list[Found]:
    """Run all statements (or some), with PG* of env as a superuser's."""
    done = subprocess.run(
        [PSQL, "-XqAt", "--set=ON_ERROR_STOP=1", "-f", "-"],
        input=script(names), text=True, capture_output=True, check=False,
        env=clean_environment(**{**{name: value for name, value in env.items()
                                    if name.startswith("PG")},
                                 "PGUSER": "postgres"}))
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[Found] = []
    decoder = json.JSONDecoder()
    for part in done.stderr.split("=== ")[1:]:
        head, _, rest = part.partition("\n")
        name, number = head.split()
        if name == "before":
            continue
        one = Found(name, int(number))
        for match in re.finditer(r"duration: ([\d.]+) ms  plan:\n", rest):
            plan, _ = decoder.raw_decode(rest, match.end())
            one.plans.append(plan)
            one.ms = max(one.ms, float(match[1]))
            # what CTEs write is not counted at the top
            one.pages = max(one.pages, *map(touched, nodes(plan["Plan"])))
        assert one.plans, part
        found.append(one)
    return found


def main() -> int:
    import deliver  # tests/stack, which conftest knows
    env = deliver.read_env(Path(sys.argv[1]) / "env")
    found = look(env, sys.argv[2:] or None)
    for one in found:
        print(f"{one.name:24} {one.call} {one.ms:9.2f} ms {one.pages:8} pages"
              f"  {', '.join(sorted(set(one.scans())))[:150]}")
    wrong = [line for one in found for line in one.wrong()]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
