#!/usr/bin/env python3
"""How long a real player takes to another service location, polled and pushed, in Debian's Chromium.

    bench/player_switches.py [--build build/bench] [--switches 20] [--quick] [--dry]

dash.js, hls.js and Shaka Player as npm has them, each playing one title without a break while its place changes again
and again. Polled: the plan changes, the player hears it at its next poll (TTL 5 s +- 20 %). Pushed: a threshold of the
media AF is crossed, the page's one line (share/web/lobo-energy.js) hears it on E5; Shaka Player has no call for it and
is polled only. Counted from the change (polled) or from the order to the player (pushed) to the first request for a
segment at the new place, by nginx's log; stalls and requests at the old place afterwards beside it. The rows take
turns: each is played in each round, so that a busy minute is nobody's alone.
"""

import argparse
import json
import os
import pathlib
import sys
import time

import lib

sys.path.insert(0, str(lib.ROOT / "tests" / "players"))

POLLED, PUSHED = ("dash.js", "hls.js", "shaka"), ("dash.js", "hls.js")
PER_ROUND = 10  # switches of one row before the next row's turn
REST = 3.0  # seconds after a switch in which the old place is watched
PAUSE = 0.02


def stages(stage, shim_test, switches):
    """The stages of the tests, with content that is long enough; they are no tests here."""
    length = int(60 + switches * 14)

    class Polled(stage.Stage):
        def runTest(self):
            """Driven from outside."""

    class Pushed(shim_test.Shim):
        test_hls_js_moves_by_one_line = test_dash_js_moves_by_one_line = None

        def runTest(self):
            """Driven from outside."""

        def policy_body(self):
            return {**super().policy_body(),
                    "serviceEnergyProfile": {"switchCostJoule": 0, "maxMovesPerSessionPerHour": 3600}}

    Polled.length = Pushed.length = length
    return Polled, Pushed


class Row:
    """What one player does in one mode."""

    def __init__(self, player, mode):
        self.player, self.mode = player, mode
        self.seconds, self.late, self.stalls, self.refused, self.failed = [], 0, 0, 0, []

    def text(self):
        return f"{self.player} {self.mode}"

    def result(self, limit):
        found = sorted(self.seconds)
        return {"switches": len(found), "median_s": round(lib.median(found), 3) if found else None,
                "p95_s": round(found[max(0, -(-len(found) * 95 // 100) - 1)], 3) if found else None,
                "worst_s": round(found[-1], 3) if found else None, "limit_s": limit, "stalls": self.stalls,
                "requests_at_the_old_place_afterwards": self.late, "refused": self.refused, "failed": self.failed}


def first_at(case, address, since, patience):
    until = time.monotonic() + patience
    while time.monotonic() < until:
        for at, where, _ in case.media_requests():
            if at >= since and where == address:
                return at
        case.nginx.selector.select(PAUSE)
    return None


def after(row, case, stage, there, moved, slack):
    """The old place is watched for a while."""
    case.nginx.selector.select(REST)
    row.late += sum(1 for at, where, _ in case.media_requests() if at > moved + slack and where != there)
    row.refused += sum(1 for at, _, status in case.media_requests() if at >= moved and status >= 400)


def polled(row, case, stage, switches):
    case.play(row.player)
    here = "SL1"
    for _ in range(switches):
        there = "SL2" if here == "SL1" else "SL1"
        changed = time.time()
        case.change_plan(there)
        moved = first_at(case, stage.LOCATIONS[there], changed, 60)
        if moved is None:
            row.failed.append(case.told())
            break
        row.seconds.append(moved - changed)
        after(row, case, stage, stage.LOCATIONS[there], moved, 0)
        here = there


def pushed(row, case, stage, shim_test, switches):
    case.play(f"{row.player},{case.url},{case.session}")
    case.until(lambda: any(step.startswith("8 ") for step in case.told()["following"]["steps"]), True)
    for _ in range(switches):
        now = case.told()["following"]
        here, moves = now["location"], now["moves"]
        asked = now.get("asked")
        for name in case.meters.watts:
            case.meters.watts[name] = shim_test.HOT if name == here else 95.0
        until = time.monotonic() + 90
        while time.monotonic() < until:
            now = case.told()["following"]
            if now.get("asked") != asked and now["moves"] > moves:
                break
            case.nginx.selector.select(0.1)
        else:
            row.failed.append(now)
            break
        ordered = now["asked"] / 1000
        there = stage.LOCATIONS[now["location"]]
        moved = first_at(case, there, ordered, 5)
        if moved is None:
            row.failed.append(now)
            break
        row.seconds.append(moved - ordered)
        after(row, case, stage, there, moved, 0.5)


def play_rows(build, switches):
    os.environ["LOBO"] = str(build / "lobo")
    import shim_test  # noqa: E402  (it reads LOBO when it is read)
    import stage  # noqa: E402
    missing = stage.why_not()
    if missing:
        raise SystemExit(f"player_switches: {missing}")
    each = min(PER_ROUND, switches)
    kinds = dict(zip(("polled", "pushed"), stages(stage, shim_test, each)))
    rows = [Row(player, "polled") for player in POLLED] + [Row(player, "pushed") for player in PUSHED]
    for kind in kinds.values():
        print("making content", file=sys.stderr, flush=True)
        kind.setUpClass()
    try:
        while any(len(row.seconds) < switches and not row.failed for row in rows):
            for row in rows:
                if len(row.seconds) >= switches or row.failed:
                    continue
                case = kinds[row.mode]()
                try:
                    case.setUp()
                    wanted = min(each, switches - len(row.seconds))
                    if row.mode == "polled":
                        polled(row, case, stage, wanted)
                    else:
                        pushed(row, case, stage, shim_test, wanted)
                    end = case.told()
                    row.stalls += end["waiting"]
                    row.failed += end["errors"]
                finally:
                    case.doCleanups()
                print(f"{row.text()}: {len(row.seconds)} of {switches} switches, the last after "
                      f"{row.seconds[-1] if row.seconds else float('nan'):.2f} s, {row.stalls} stalls", file=sys.stderr, flush=True)
    finally:
        for kind in kinds.values():
            kind.doClassCleanups()
    limits = {"polled": stage.TTL * (1 + stage.JITTER) + stage.SEGMENT, "pushed": stage.SEGMENT + 0.5}
    results = {row.text().replace(" ", "_"): row.result(limits[row.mode]) for row in rows}
    results["meets"] = {
        "p95_within_the_limit": all(one["p95_s"] is not None and one["p95_s"] <= one["limit_s"] for one in results.values()),
        "no_stall": all(row.stalls == 0 for row in rows),
        "nothing_more_from_the_old_place": all(row.late == 0 for row in rows),
        "all_switches_made": all(len(row.seconds) >= switches for row in rows)}
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--switches", type=int, default=20, help="of each player in each mode")
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="two switches each, to see that it works")
    args = parser.parse_args()
    if args.quick:
        args.switches = 2
    results = play_rows(args.build, args.switches)
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("player_switches", args.build, args.switches, results), indent=1))


if __name__ == "__main__":
    main()
