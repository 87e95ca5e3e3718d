#!/usr/bin/env python3
"""How long the control plane is away when it is killed with -9 in mid-load, and what that costs: nothing acknowledged.

A metaverse server, a SEALDD server and a relay node; clients create sessions and give some of them back, a UE of the first
room publishes, and one server, then the other, is killed after a number of acknowledgements and started again at once. Measured
from the kill until a session that was acknowledged before it can be read again through both (`back_ms`) and until the next one
is created (`created_ms`). At the end each acknowledged session is there or was given back, SEALDD holds what live sessions
need and nothing else, and the numbers of each session's notifications have no gap.

  bench/control_kill.py            7 rounds, and a line in bench/results/
  bench/control_kill.py --quick    one round, and no line
"""

import argparse
import collections
import http.server
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error

import lib
import nodes

BACK_MS_MAX = 2000  # accepted
CLIENTS, ACKNOWLEDGED_BEFORE = 4, (5, 40)  # of each killed server's turn
GIVEN_BACK = 0.3
SETTLE_S = 60

COMMON = """  server: [{{address: 127.0.0.1, port: {port}}}]
  store: {{path: {folder}/{name}.sqlite}}
  auth: {{mode: "off"}}
  quotas: {{resources_per_client: 100000, requests_per_second: 100000, burst: 100000}}
  sinks: {{allow: [127.0.0.0/8], https_only: false}}
"""
LIVE_NOT = ("RELEASED", "FAILED", "RELEASING")


class Sink:
    """Takes notifications; the numbers of each subscription in the order of their arrival."""

    def __init__(self):
        seen = self.seen = collections.defaultdict(list)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                told = json.loads(self.rfile.read(int(self.headers["content-length"])))
                seen[told["sessionId"]].append(told["seq"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # of one who was killed
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def gaps(self):
        return sum(1 for numbers in self.seen.values() if set(numbers) != set(range(1, max(numbers) + 1)))

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class Plane:
    """Both servers and the node; a server that was killed comes back at its port."""

    def __init__(self, lobo, folder):
        self.lobo, self.folder, self.processes, self.ports = lobo, folder, {}, {"sealdd": 0, "metaverse": 0}
        subprocess.run([lobo, "pki", "init", folder / "pki"], check=True, capture_output=True)
        self.sealdd = self.start("sealdd")
        (folder / "relay.yaml").write_text(nodes.RELAY.format(folder=folder, port=0, sealdd=self.sealdd))
        self.processes["relay"] = lib.Process([lobo, "relay", "-c", folder / "relay.yaml"], core=0)
        nodes.ready(self.processes["relay"])
        nodes.until_registered(self.sealdd)
        self.metaverse = self.start("metaverse")

    def start(self, name):
        text = COMMON.format(folder=self.folder, name=name, port=self.ports[name])
        text += "  nodes: {lease: 3s}\n" if name == "sealdd" else f"  sealdd: {{uri: {self.sealdd}}}\n"
        config = self.folder / f"{name}.yaml"
        config.write_text(f"logger: {{level: warn}}\n{name}:\n{text}")
        self.processes[name] = lib.Process([self.lobo, "serve", "-c", config], core=0)
        url = nodes.ready(self.processes[name])[0]
        self.ports[name] = int(url.rsplit(":", 1)[1])
        return url

    def kill(self, name):
        process = self.processes[name].popen
        process.kill()
        process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.__exit__()


class Load:
    """Clients that create sessions and give some back, until they are told to end."""

    def __init__(self, plane, sink, seed):
        self.plane, self.sink, self.seed = plane, sink, seed
        self.lock, self.over = threading.Lock(), threading.Event()
        self.live, self.given_back, self.acknowledged, self.newest = set(), set(), 0, 0.0
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        rng, count = random.Random(f"{self.seed} {number}"), 0
        while not self.over.is_set():
            count += 1
            ue = f"ue-{number}-{count}"
            try:
                made = nodes.ask("POST", self.plane.metaverse + "/mm-das/v1/sessions", {
                    "valServiceId": "xr", "requesterId": "val-1",
                    "notif": {"uri": self.sink.url, "events": ["SESSION_STATE", "FLOW_STATE", "SESSION_ENDING"]},
                    "assets": [{"assetId": f"urn:avatar:{ue}", "serverEp": {"id": f"room/{number}"}, "clientEp": {"id": ue},
                                "hostUe": {"valUeId": ue}, "qos": {"mbrDl": "8 Mbps"}}]})
            except OSError:  # refused, cut off, or a 503 with its Retry-After
                time.sleep(0.005)
                continue
            session = made["sessionId"]
            with self.lock:
                self.live.add(session)
                self.acknowledged += 1
                self.newest = time.monotonic()
            if rng.random() < GIVEN_BACK:
                # From here on its end may have been performed, whatever is answered.
                with self.lock:
                    self.live.discard(session)
                    self.given_back.add(session)
                try:
                    nodes.ask("DELETE", self.plane.metaverse + f"/mm-das/v1/sessions/{session}")
                except OSError:
                    pass

    def until(self, acknowledged):
        limit = time.monotonic() + nodes.PATIENCE
        while self.acknowledged < acknowledged:
            if time.monotonic() > limit:
                sys.exit("control_kill: the load makes no progress")
            time.sleep(0.002)

    def created_since(self, at):
        limit = time.monotonic() + nodes.PATIENCE
        while self.newest < at:
            if time.monotonic() > limit:
                sys.exit("control_kill: nothing is created any more")
            time.sleep(0.001)
        return self.newest

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def until_read(url):
    limit = time.monotonic() + nodes.PATIENCE
    while time.monotonic() < limit:
        try:
            return nodes.ask("GET", url)
        except urllib.error.HTTPError as refused:
            if refused.code == 404:
                sys.exit(f"control_kill: {url} was acknowledged and is lost")
        except OSError:
            pass
        time.sleep(0.001)
    sys.exit(f"control_kill: {url} cannot be read")


def listed(url):
    items, page = [], "?limit=1000"
    while page is not None:
        told = nodes.ask("GET", url + page)
        items += told["items"]
        page = f"?limit=1000&cursor={told['next']}" if told.get('next') else None
    return items


def one(build, seed, folder):
    lobo, rng, sink, times = build / "lobo", random.Random(seed), Sink(), {}
    with Plane(lobo, folder) as plane:
        load = Load(plane, sink, seed)
        try:
            for name in ("metaverse", "sealdd"):
                load.until(load.acknowledged + rng.randint(*ACKNOWLEDGED_BEFORE))
                with load.lock:
                    before = next(iter(load.live))
                killed = time.monotonic()
                plane.kill(name)
                setattr(plane, name, plane.start(name))
                until_read(f"{plane.metaverse}/mm-das/v1/sessions/{before}")
                if name == "sealdd":
                    until_read(f"{plane.sealdd}/sdd-trans/v1/connections?limit=1")
                times[name] = {"back_ms": (time.monotonic() - killed) * 1e3,
                               "created_ms": (load.created_since(killed) - killed) * 1e3}
            load.until(load.acknowledged + ACKNOWLEDGED_BEFORE[1])
        finally:
            load.end()
        lost = sum(1 for session in load.live if nodes.ask(
            "GET", f"{plane.metaverse}/mm-das/v1/sessions/{session}")["state"] in LIVE_NOT)
        # A create whose answer was cut off may have left a session that its client can find; no connection may be without one.
        limit = time.monotonic() + SETTLE_S
        while True:
            live = [item for item in listed(plane.metaverse + "/mm-das/v1/sessions") if item["state"] not in LIVE_NOT]
            held = len(listed(plane.sealdd + "/sdd-trans/v1/connections"))
            if held == len(live) or time.monotonic() > limit:
                break
            time.sleep(0.05)
        gaps = until_no_gap(sink)
    sink.end()
    return times, {"acknowledged": load.acknowledged, "lost": lost, "left_over": abs(held - len(live)), "gaps": gaps,
                   "notified": sum(map(len, sink.seen.values()))}


def until_no_gap(sink):
    """What is on its way gets its time; a gap that stays is one."""
    limit = time.monotonic() + SETTLE_S
    while (gaps := sink.gaps()) and time.monotonic() < limit:
        time.sleep(0.05)
    return gaps


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="one round, and no line is appended")
    options.add_argument("--dry", action="store_true", help="append nothing")
    options.add_argument("--build", type=pathlib.Path, default=lib.ROOT / "build" / "bench")
    given = options.parse_args()
    if not (given.build / "lobo").exists():
        sys.exit("control_kill: build the preset bench first")
    rounds = 1 if given.quick else 7
    runs = []
    for seed in range(rounds):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="lobo-control-"))
        try:
            runs.append(one(given.build.resolve(), seed, folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    counts = {key: sum(counted[key] for _, counted in runs) for key in runs[0][1]}
    results, worst = {"counts": counts}, 0
    for name in runs[0][0]:
        values = {key: [times[name][key] for times, _ in runs] for key in ("back_ms", "created_ms")}
        results[name] = {key: {**lib.summary(each), "worst": round(max(each), 1)} for key, each in values.items()}
        worst = max(worst, *values["created_ms"], *values["back_ms"])
        print(f"{name} killed: read again after {results[name]['back_ms']['median']:.0f} ms (worst {max(values['back_ms']):.0f}), "
              f"a session created after {results[name]['created_ms']['median']:.0f} ms (worst {max(values['created_ms']):.0f})")
    good = worst <= BACK_MS_MAX and not (counts["lost"] or counts["left_over"] or counts["gaps"])
    print(f"{counts['acknowledged']} sessions acknowledged, {counts['lost']} lost, {counts['left_over']} connections too many or too few, "
          f"{counts['notified']} notifications, {counts['gaps']} sessions with a gap: {'kept' if good else 'MISSED'}")
    if not given.quick and not given.dry:
        lib.append_result("control_kill", given.build, rounds, results)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
