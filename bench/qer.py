#!/usr/bin/env python3
"""What the QERs of `lobo upf` let pass, as iperf3 sees it between an application server and a UE in network namespaces:
UDP at three times the MBR in windows of a second, TCP over ten seconds with and without the delay of a radio, and a GBR
flow beside a flood of four times the AMBR. The cases take turns. Appends its figures to bench/results/.

    bench/qer.py [--build build/bench] [--rounds 9] [--dry] [--quick]

Targets: UDP within 2 % in each window; TCP at least 85 % of the MBR as user data and never above 102 %; the GBR flow
keeps what it sends.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys

import lib

sys.path.insert(0, str(lib.ROOT / "tests" / "upf_live"))
RADIO_DELAY = 0.010  # of each direction


def world_of(case_class, rate_cases, gnb_teid):
    """Runs one case in namespaces of its own, with a UPF that was just started."""
    class World(case_class):
        def runTest(self):
            """Never called: the class is used for what it sets up."""

    def run(rules, measure, delay=0.0):
        world = World()
        world.setUp()
        try:
            _, teid = world.establish(rules(gnb_teid))
            radio = rate_cases.open_radio(world.stage, world.gnb, world.server, teid, delay)
            try:
                return measure(world.stage, radio)
            finally:
                radio.end()
        finally:
            world.doCleanups()
    return run


def part(values, of):
    return {"median": round(lib.median(values) / of, 4), "least": round(min(values) / of, 4),
            "most": round(max(values) / of, 4)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="one round, to see that it works; appends nothing")
    args = parser.parse_args()
    for program in ("iperf3", "ethtool"):
        lib.need(program)
    os.environ["LOBO"] = str((args.build / "lobo").resolve())
    import rate_cases  # noqa: E402  (which program it runs is known now)
    from upf_case import GNB_TEID, UpfCase, need_namespaces  # noqa: E402
    need_namespaces()
    if not shutil.which("unshare"):
        raise SystemExit("unshare is needed")

    run = world_of(UpfCase, rate_cases, GNB_TEID)
    udp, tcp, far, kept, flood = [], [], [], [], []
    sent_again = 0
    for _ in range(1 if args.quick else args.rounds):
        udp += run(rate_cases.rules_mbr,
                   lambda stage, radio: rate_cases.udp(stage, radio, 3 * rate_cases.MBR_KBPS, 5))
        rate, again = run(rate_cases.rules_mbr, lambda stage, radio: rate_cases.tcp(stage, radio, 10))
        tcp.append(rate)
        sent_again += again
        far.append(run(rate_cases.rules_mbr, lambda stage, radio: rate_cases.tcp(stage, radio, 10), RADIO_DELAY)[0])
        own, others = run(rate_cases.rules_gbr, lambda stage, radio: rate_cases.gbr_against_flood(stage, radio, 4))
        kept += own
        flood += others

    mbr = rate_cases.MBR_KBPS
    results = {"mbr_kbps": mbr, "udp_of_mbr": part(udp, mbr), "udp_windows": len(udp),
               "udp_windows_within_2_percent": sum(abs(one / mbr - 1) <= 0.02 for one in udp),
               "tcp_user_data_of_mbr": part(tcp, mbr), "tcp_segments_sent_again": sent_again,
               "tcp_user_data_of_mbr_20_ms_there_and_back": part(far, mbr),
               "gbr_kept_of_sent": part(kept, rate_cases.GBR_SENT_KBPS), "flood_of_ambr": part(flood, mbr)}
    if args.dry or args.quick:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("qer", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
