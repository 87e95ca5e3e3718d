#!/usr/bin/env python3
"""Steering answers per CPU-second next to nginx's fixed reply of the same length and a stub of node.js.

    bench/steering_vs_nginx.py [--build build/bench] [--rounds 7] [--requests 40000] [--dry]

`lobo energy steer` with a plan of 800 groups at 100 locations; each request carries a token that is read, checked
and replaced by a fresh one. Servers run on core 0, h2load on core 1, taking turns within each round. The stub
answers the same octets to everything; where node is missing it is left out. --dry prints and does not record.
"""

import argparse
import json
import pathlib
import random
import re
import shutil
import tempfile
import urllib.request

import lib
import peers

GROUPS, LOCATIONS, SHARES, RESERVE = 800, 100, 6, 4
SESSIONS = 500
SERVER_CORE, LOAD_CORE = 0, 1
SHAPES = {"http1": (["--h1", "-c", "32"], False), "http2": (["-c", "8", "-m", "32"], True)}
TARGET = {"http1": 0.6, "http2": 1.2}

STUB = """
const text = %s;
const http2 = %s;
const answer = (_, response) => { response.writeHead(200, { 'content-type': 'application/json' }); response.end(text); };
const server = http2 ? require('node:http2').createServer(answer) : require('node:http').createServer(answer);
server.keepAliveTimeout = 600000;
server.listen(%d, '127.0.0.1');
"""


def plan():
    dice = random.Random(1)
    names = [f"SL{i}" for i in range(LOCATIONS)]
    groups = []
    for i in range(GROUPS):
        chosen = dice.sample(names, SHARES + RESERVE)
        groups.append({"id": f"g{i}", "shares": {name: dice.randint(1, 100) for name in chosen[:SHARES]},
                       "reserve": {name: dice.randint(1, 100) for name in chosen[SHARES:]}})
    return {"version": 1, "validUntil": "2100-01-01T00:00:00Z", "ttl": 30,
            "locations": [{"id": name} for name in names], "groups": groups}


class Steering:
    def __init__(self, binary):
        self.folder = tempfile.TemporaryDirectory(prefix="lobo-steering-")
        root = pathlib.Path(self.folder.name)
        (root / "plan.json").write_text(json.dumps(plan()), encoding="utf-8")
        (root / "steer.yaml").write_text(
            "logger: {level: error}\nenergy_steering:\n  server: {address: 127.0.0.1, port: 0}\n  plan: plan.json\n"
            "  requests_per_second: 1000000\n", encoding="utf-8")
        self.process = lib.Process([binary, "energy", "steer", "-c", root / "steer.yaml"], SERVER_CORE, cwd=root)
        self.url = self.process.line().split()[1]
        self.worker = self.process.pid
        uris = []
        for i in range(SESSIONS):
            with urllib.request.urlopen(f"{self.url}/steer/dash?g=g{i % GROUPS}", timeout=10) as answer:
                text = answer.read().decode()
            uris.append(json.loads(text)["RELOAD-URI"] +
                        "&_DASH_pathway=%22SL1,SL2%22&_DASH_throughput=451754750,614888250")
        self.answer_bytes = len(text)
        self.answer = text
        self.uris = root / "uris"
        self.uris.write_text("\n".join(uris) + "\n", encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.__exit__()
        self.folder.cleanup()


class Stub:
    def __init__(self, text, http2):
        self.port = peers.free_port()
        self.file = tempfile.NamedTemporaryFile("w", suffix=".cjs")
        self.file.write(STUB % (json.dumps(text), str(http2).lower(), self.port))
        self.file.flush()
        self.process = lib.Process([shutil.which("node"), self.file.name], SERVER_CORE)
        self.worker = self.process.pid
        peers.wait_for(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.__exit__()
        self.file.close()


def load(worker, words, requests, where):
    """Requests per CPU-second of the server."""
    before = lib.cpu_seconds(worker)
    printed = lib.run_pinned([lib.need("h2load"), *words, "-n", requests, *where], LOAD_CORE)
    used = lib.cpu_seconds(worker) - before
    succeeded = int(re.search(r"(\d+) succeeded", printed).group(1))
    if succeeded != requests:
        raise SystemExit(f"only {succeeded} of {requests} requests succeeded:\n{printed}")
    return requests / used


def throughput(shape, binary, rounds, requests):
    words, http2 = SHAPES[shape]
    with Steering(binary) as ours, peers.Nginx(SERVER_CORE, ours.answer_bytes, http2) as nginx:
        servers = {"lobo": (ours.worker, ["-i", ours.uris]),
                   "nginx": (nginx.worker, [f"http://127.0.0.1:{nginx.port}/x"])}
        stub = Stub(ours.answer, http2) if shutil.which("node") else None
        if stub:
            servers["node"] = (stub.worker, [f"http://127.0.0.1:{stub.port}/x"])
        try:
            rates = {name: [] for name in servers}
            for worker, where in servers.values():
                load(worker, words, requests // 10, where)  # warm
            for turn in range(rounds):
                order = list(servers) if turn % 2 == 0 else list(reversed(servers))
                for name in order:
                    rates[name].append(load(servers[name][0], words, requests, servers[name][1]))
        finally:
            if stub:
                stub.__exit__()
    result = {f"{name}_per_cpu_s": lib.summary(values, 0) for name, values in rates.items()}
    for name in rates:
        if name != "lobo":
            result[f"ratio_to_{name}"] = lib.summary([a / b for a, b in zip(rates["lobo"], rates[name])], 3)
    return {**result, "answer_bytes": ours.answer_bytes, "target_ratio_to_nginx": TARGET[shape]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=40000)
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a few requests, to see that it works")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.requests = 3, 8000
    results = {shape: throughput(shape, args.build / "lobo", args.rounds, args.requests) for shape in SHAPES}
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("steering_vs_nginx", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
