#!/usr/bin/env python3
"""What subscriptions cost that only exist: start-up and resident memory over a store full of them.

One resource is made through the API of a real server; its row, and its UE's, are then multiplied in
the stopped server's file, 64 resources to a UE. Each server is asked for one of them when it is
ready, so that what is measured is one that works; then up to 100,000 are listed, so that its caches
are as full as they get. Memory is compared with the same server, the same configuration and a store
with nothing but that one resource."""

import argparse
import json
import os
import pathlib
import shutil
import sqlite3
import sys
import tempfile
import time

import crash
import crash_load
import lib

sys.path.insert(0, str(lib.ROOT / "tests" / "e2e"))
import harness  # noqa: E402

PER_UE = 64
BATCH = 10_000
PAGES_READ_MAX = 100
DURATION = 20 * 24 * 3600


def make_one(stage):
    """One resource of ue1, confirmed; its identifier."""
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + DURATION))
    client = crash_load.Client(stage.url)
    status, answer, headers = client.ask("POST", crash_load.API, {
        "valTgtUe": {"valUeId": "ue1"}, "uniQosReq": "xr-gold", "duration": until,
        "notifUri": stage.sink.url, "suppFeat": crash_load.FEATURES})
    if status != 201:
        raise SystemExit(f"idle: the resource was not made: {status} {answer}")
    return headers["location"].rsplit("/", 1)[1]


def multiply(file, identity, count):
    """Makes `count` resources out of the one, with their UEs and timers, as the server would have."""
    database = sqlite3.connect(file)
    take = "SELECT kind, owner, version, state, id FROM resource WHERE kind = ? AND id = ?"
    row = database.execute(take, ("unicast", identity)).fetchone()
    gpsi = json.loads(row[3])["gpsi"]
    watch = database.execute(take, ("ue_watch", gpsi)).fetchone()
    timers = {one[0]: database.execute("SELECT name, due FROM timer WHERE kind = ? AND id = ?", (one[0], one[4])).fetchall()
              for one in (row, watch)}

    def resource(template, name, ue):
        kind, owner, version, state, _ = template
        return kind, name, owner, ue, version, state.replace(gpsi, ue)

    put = "INSERT OR IGNORE INTO resource (kind, id, owner, subject, version, state) VALUES (?, ?, ?, ?, ?, ?)"
    put_timer = "INSERT OR IGNORE INTO timer (kind, id, name, due) VALUES (?, ?, ?, ?)"
    made = {"unicast": 1, "ue_watch": 1}
    for first in range(1, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        rows = [resource(row, f"{number:032x}", f"msisdn-4916{number // PER_UE:08}") for number in numbers]
        rows += [resource(watch, f"msisdn-4916{number // PER_UE:08}", f"msisdn-4916{number // PER_UE:08}")
                 for number in numbers if number % PER_UE == 0 or number == 1]
        with database:
            database.executemany(put, rows)
            database.executemany(put_timer, [(one[0], one[1], name, due) for one in rows for name, due in timers[one[0]]])
        for one in rows:
            made[one[0]] += 1
    with database:
        for template in (row, watch):
            database.execute("UPDATE tally SET records = ? WHERE kind = ? AND owner = ?",
                             (made[template[0]], template[0], template[1]))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    document = database.execute("SELECT avg(length(state)) FROM resource WHERE kind = 'unicast'").fetchone()[0]
    database.close()
    return document


def measure(stage, identity, rounds):
    """Start-up times in milliseconds, and resident memory in KiB while nothing is asked."""
    times, memory = [], []
    for _ in range(rounds):
        stage.server.signal(harness.SIGTERM)
        stage.server.wait()
        stage.server.end()
        times.append(stage.start() * 1000)
        client = crash_load.Client(stage.url)
        status, _, _ = client.ask("GET", f"{crash_load.API}/{identity}")
        if status != 200:
            raise SystemExit(f"idle: the server is ready and does not know {identity}: {status}")
        cursor = ""
        for _ in range(PAGES_READ_MAX):
            _, page, _ = client.ask("GET", crash_load.API + "?limit=1000" + (cursor and f"&cursor={cursor}"))
            cursor = page.get("next")
            if cursor is None:
                break
        memory.append(lib.resident_kib(stage.server.child.pid))
    return times, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--resources", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lobo-idle-", dir=os.environ.get("TMPDIR")))
    stage = crash.Stage(args.build / "lobo", folder, 1)
    results = {}
    try:
        identity = make_one(stage)
        times, nothing = measure(stage, identity, args.rounds)
        results["1"] = {"start_ms": round(lib.median(times), 1), "resident_kib": lib.median(nothing)}
        for count in sorted(args.resources):
            print(f"idle: {count} resources", flush=True)
            stage.server.signal(harness.SIGTERM)
            stage.server.wait()
            document = multiply(folder / "store.sqlite", identity, count)
            times, memory = measure(stage, f"{count - 1:032x}", args.rounds)
            extra = lib.median(memory) - lib.median(nothing)
            results[str(count)] = {
                "start_ms": round(lib.median(times), 1), "start_worst_ms": round(max(times), 1),
                "resident_kib": lib.median(memory), "bytes_each": round(extra * 1024 / count, 1),
                "document_bytes": round(document), "store_mib": (folder / "store.sqlite").stat().st_size >> 20}
    finally:
        stage.end()
        shutil.rmtree(folder)
    print(json.dumps(results if args.dry else lib.append_result("idle", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
