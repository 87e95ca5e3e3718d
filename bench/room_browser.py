#!/usr/bin/env python3
"""Browsers and a native client in one room of a relay node: what arrives of 60 states a second, and how old it is.

    bench/room_browser.py [--quick] [--dry]

A node with a native client that publishes and watches, on core 0; Debian's Chromium with lobo-mmec.js on core 1. Once one tab that
moves data alone, at the node's window of 4 ms and at 1 ms; then three tabs that draw. Accepted are at least 99.9 % at 60 Hz with a
median age of at most 2 ms for the one tab (at the window of 1 ms: the window itself is waited for), and 99 % for the three. Ages
are by the node's clock, to which a tab's is compared in band; how wrong that can be stands beside them. Appends a line to
bench/results/.
"""

import argparse
import functools
import http.server
import json
import pathlib
import queue
import sys
import tempfile
import threading

import lib

sys.path.insert(1, str(lib.ROOT / "tests" / "e2e"))
sys.path.insert(1, str(lib.ROOT / "tests" / "webtransport"))
import page_case  # noqa: E402  (the path above comes first)

DELIVERED, AGE_MS, DELIVERED_DRAWING = 0.999, 2.0, 0.99
PATIENCE = 90


def room(program, tabs, window_ms, seconds, draw):
    """What each tab saw, what the native client saw of each, and the node's CPU."""
    seen = queue.Queue()
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(page_case.Pages, seen=seen, folder=lib.ROOT))
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    told, native = [], {}
    try:
        with tempfile.TemporaryDirectory() as folder, lib.Process([program, tabs, window_ms], core=0) as node:
            url, digest, _, _, *tokens = node.line().removeprefix("ready: ").split()
            at = f"http://127.0.0.1:{pages.server_address[1]}/tests/mmec_js/room.html"
            urls = [f"{at}#{url},{digest},{token},{seconds},{'draw' if draw else ''}" for token in tokens]
            before = lib.cpu_seconds(node.pid)
            with lib.Process(["node", lib.ROOT / "share" / "web" / "drive.mjs", pathlib.Path(folder) / "profile", "800x600",
                              pathlib.Path(folder) / "shot.png", *urls], core=1):
                told = [seen.get(timeout=PATIENCE) for _ in urls]
            used = lib.cpu_seconds(node.pid) - before
            node.popen.terminate()
            native = json.loads(node.line())
    finally:
        pages.shutdown()
        pages.server_close()
    rows = []
    for page in told:
        if page["errors"]:
            raise SystemExit(f"a page failed: {page['errors']}")
        alias = page["asset"].rsplit(":", 1)[1]
        rows.append({"from_native": page["byName"] / page["numbers"], "to_native": native["of"].get(alias, 0) / page["sent"],
                     "age_p50_ms": page["age50"], "age_p99_ms": page["age99"], "clock_error_ms": page["stats"]["clock"]["errorMs"],
                     "sent_hz": page["sent"] / seconds, "drawn_hz": page["drawn"] / seconds})
    return rows, used / seconds


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--quick", action="store_true", help="one short round, and no line is appended")
    options.add_argument("--dry", action="store_true", help="append nothing")
    args = options.parse_args()
    if args.quick:
        args.rounds, args.seconds, args.dry = 1, 5, True
    lib.need("chromium")
    lib.need("node")
    program = next((path for path in (args.build / "bench" / "browser_room", args.build / "tests" / "relay_node" / "browser_room")
                    if path.exists()), None)
    if program is None:
        sys.exit("room_browser: build the preset bench first")
    results = {}
    for name, tabs, window_ms, draw in (("one_tab_window_4ms", 1, 4, False), ("one_tab_window_1ms", 1, 1, False),
                                        ("three_tabs_drawing", 3, 4, True)):
        runs = [room(program, tabs, window_ms, args.seconds, draw) for _ in range(args.rounds)]
        rows = [row for some, _ in runs for row in some]
        results[name] = {key: {"median": round(lib.median([row[key] for row in rows]), 5),
                               "worst": round((min if key.endswith(("native", "hz")) else max)(row[key] for row in rows), 5)}
                         for key in rows[0]}
        results[name]["node_cores"] = round(lib.median([used for _, used in runs]), 4)
        print(f"{name}: {100 * results[name]['from_native']['median']:.3f} % from and {100 * results[name]['to_native']['median']:.3f} % to "
              f"the native client, age {results[name]['age_p50_ms']['median']:.2f} ms (99 of 100: {results[name]['age_p99_ms']['median']:.2f} ms, "
              f"clock within {results[name]['clock_error_ms']['median']:.2f} ms)")
    one, three = results["one_tab_window_1ms"], results["three_tabs_drawing"]
    for what, kept in ((f"one tab: {DELIVERED:.1%} and {AGE_MS} ms", one["from_native"]["median"] >= DELIVERED
                        and one["to_native"]["median"] >= DELIVERED and one["age_p50_ms"]["median"] <= AGE_MS),
                       (f"three tabs that draw: {DELIVERED_DRAWING:.0%}", three["from_native"]["median"] >= DELIVERED_DRAWING)):
        print(f"{what}: {'kept' if kept else 'MISSED'}")
    if not args.dry:
        lib.append_result("room_browser", args.build, args.rounds, results)


if __name__ == "__main__":
    main()
