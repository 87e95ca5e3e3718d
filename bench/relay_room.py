#!/usr/bin/env python3
"""Rooms in which everybody publishes and hears the others: `lobo relay` over QUIC, and peers without encryption.

    bench/relay_room.py [--build build/bench] [--rounds 3] [--seconds 5] [--only NAME …] [--quick] [--dry]

States have 200 octets; the server is on core 0, all UEs are one process on core 1. Of each room: the server's CPU as a
share of its core and for each delivered state, how many of the owed states came, how old they were (p50, p99, p99.9),
and how old what a receiver had was at the most, again and again (the age of information before each state). Where the load
used more than nine tenths of its core the round says nothing of delay and delivery, and is named. NATS gives all to all but the
sender (`echo: false`); Colyseus' room broadcasts octets, or keeps each state by a schema and tells what has changed
("colyseus_schema", states as texts); relays of Beast's WebSocket and of ENet (unreliable, in order) are a page each in this
folder. None of them encrypts. "sdd_ordered" and
"sdd_twice" are ours by the client's library: reliable streams (R4), and two ways (+D). Where a room has a path, datagrams go through `lobo impair` and TCP through its mirror. All is
in a network namespace of its own. What is accepted is in ROOMS. Appends to bench/results/.
"""

import argparse
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request

import lib
import nodes

# In a namespace of our own every port is free.
OWN, PEER, PORT = "10.77.0.1", "10.77.0.2", 8080
ENTERED = "LOBO_RELAY_ROOM"
COLYSEUS = lib.ROOT / "bench" / "colyseus"
LOAD_MAX = 0.9


@dataclasses.dataclass
class Room:
    members: int
    hertz: int
    accepted: dict  # of ours
    carriers: tuple = ("sdd",)
    nearest: int = 0  # each hears so many only; 0: all others
    half: bool = False  # the server shares its core with a program that always computes
    path: tuple = ()  # of `lobo impair` between the UEs and the node
    accepted_twice: dict = dataclasses.field(default_factory=dict)  # of "sdd_twice"
    rebinds: bool = False  # once a second each UE has another port there, as when a NAT forgets


ROOMS = {
    "100 at 30 Hz": Room(100, 30, {"share": 0.5, "p99_ms": 30},
                         ("sdd", "nats", "colyseus", "colyseus_schema", "websocket", "enet")),
    "200 at 30 Hz": Room(200, 30, {"share": 1.0, "p99_ms": 130}, ("sdd", "nats", "enet")),
    "100 at 60 Hz": Room(100, 60, {"share": 1.0, "p99_ms": 40}, ("sdd", "nats", "enet")),
    "300 at 30 Hz, nearest 50": Room(300, 30, {"per_core": 450_000}, nearest=50),
    "220 at 30 Hz on half a core": Room(220, 30, {"oldest_p99_ms": 100}, ("sdd", "nats", "enet"), half=True),
    "10 at 60 Hz, 5 % lost and 10 ms each way": Room(10, 60, {"p99_ms": 45}, ("sdd", "sdd_twice", "sdd_ordered", "enet", "websocket"),
                                                       path=("--loss", "5", "--delay", "10"),
                                                       accepted_twice={"p99_ms": 35, "lost_percent": 2 * 0.4}),  # of two legs
    "10 at 60 Hz, every UE's port another one each second": Room(10, 60, {"oldest_worst_ms": 100}, path=("--delay", "10"), rebinds=True),
}


def behind_path(stack, build, port, room, seed=1):
    """The port at which UEs reach a server over the room's path, and who is on that path."""
    if not room.path:
        return port, None
    line = stack.enter_context(lib.Process([build / "lobo", "impair", "--to", f"127.0.0.1:{port}", "--seed", seed, *room.path], core=1))
    return int(nodes.ready(line)[0].rsplit(":", 1)[1]), line.pid


class Sdd:
    """A SEALDD server and its relay node; the room's members get their tokens there."""

    def __init__(self, build, room, terms=None):
        self.stack = contextlib.ExitStack()
        folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="lobo-room-")))
        lobo = build / "lobo"
        subprocess.run([lobo, "pki", "init", folder / "pki"], check=True, capture_output=True)
        (folder / "sealdd.yaml").write_text(nodes.SEALDD.format(folder=folder))
        server = self.stack.enter_context(lib.Process([lobo, "serve", "-c", folder / "sealdd.yaml"], core=1))
        sealdd = nodes.ready(server)[0]
        (folder / "relay.yaml").write_text(nodes.RELAY.format(folder=folder, port=0, sealdd=sealdd))
        relay = self.stack.enter_context(lib.Process([lobo, "relay", "-c", folder / "relay.yaml"], core=0))
        told = nodes.ready(relay)
        self.host, self.pid, self.port = "127.0.0.1", relay.pid, int(told[0].rsplit(":", 1)[1])
        nodes.until_registered(sealdd)
        port, self.line = behind_path(self.stack, build, self.port, room)
        self.lines = nodes.ues_in_rooms(sealdd, port, told[2].removeprefix("sha256:"), room.members, room.members, terms)
        if terms:  # Whoever reads them knows of a second way.
            second = behind_path(self.stack, build, self.port, room, seed=2)[0] if terms.get("redundancy") == "DUAL" else 0
            self.lines = [f"{line.rstrip()} {second}\n" for line in self.lines]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()


class Nats:
    host = "127.0.0.1"

    def __init__(self, _build, _room):
        self.folder = tempfile.TemporaryDirectory(prefix="lobo-nats-")
        self.process = lib.Process([lib.need("nats-server"), "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", self.folder.name],
                                   core=0)
        self.pid, self.lines = self.process.pid, []
        while not (found := list(pathlib.Path(self.folder.name).glob("*.ports"))) or not found[0].read_text():
            if self.process.popen.poll() is not None:
                sys.exit("relay_room: nats-server ended")
        self.port = int(json.loads(found[0].read_text())["nats"][0].rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.__exit__()
        self.folder.cleanup()


class Colyseus:
    host = "127.0.0.1"

    def __init__(self, kind, _build, room):
        self.kind = kind
        self.process = lib.Process([lib.need("node"), COLYSEUS / "server.mjs", room.hertz], core=0,
                                   env=dict(os.environ, NODE_ENV="production"))
        self.pid, self.port = self.process.pid, int(self.process.line())
        self.lines = [self.seat() for _ in range(room.members)]

    def seat(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/matchmake/joinOrCreate/{self.kind}", data=b"{}", method="POST",
                                         headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            told = json.load(answer)
        return f"/{told['room']['processId']}/{told['room']['roomId']}?sessionId={told['sessionId']}\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.__exit__()


class Own:
    """A small relay by somebody else's library, in the program that is the load, too."""

    def __init__(self, kind, build, room):
        self.stack = contextlib.ExitStack()
        self.host, at, port = "127.0.0.1", "127.0.0.1", 0
        if room.path and kind in OVER_TCP:
            mirror = self.stack.enter_context(lib.Process(
                [build / "lobo", "impair", "--mirror", OWN, "--to", f"{PEER}:{PORT}", *room.path], core=1))
            nodes.ready(mirror)
            self.host, at, port = PEER, OWN, PORT
        process = self.stack.enter_context(lib.Process([program(build), kind, "serve", at, port], core=0))
        self.pid, self.lines, self.port = process.pid, [], int(process.line())
        if kind not in OVER_TCP:
            self.port, self.line = behind_path(self.stack, build, self.port, room)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()


OVER_TCP = ("websocket",)
CARRIERS = {"sdd": Sdd, "sdd_ordered": functools.partial(Sdd, terms={"qos": {"reliabilityClass": "R4"}}),
            "sdd_twice": functools.partial(Sdd, terms={"redundancy": "DUAL"}), "nats": Nats, "colyseus": functools.partial(Colyseus, "hall"),
            "colyseus_schema": functools.partial(Colyseus, "stage"), "websocket": functools.partial(Own, "websocket"),
            "enet": functools.partial(Own, "enet")}


def program(build):
    return build / "bench" / "relay_room"


def missing(carrier, build):
    if carrier not in subprocess.run([program(build)], capture_output=True, text=True, check=True).stdout.split():
        return "not built in, its library was not there (tools/install_packages.sh nightly)"
    if carrier == "nats" and not shutil.which("nats-server"):
        return "no nats-server (tools/install_packages.sh nightly)"
    if carrier.startswith("colyseus") and not (shutil.which("node") and (COLYSEUS / "node_modules").exists()):
        return "no node, or bench/colyseus was not fetched (tools/install_packages.sh players nightly)"
    return None


@contextlib.contextmanager
def neighbour(wanted):
    """Somebody who takes half of the server's core."""
    if not wanted:
        yield
        return
    with lib.Process([sys.executable, "-c", "while True: pass"], core=0):
        yield


@contextlib.contextmanager
def rebinding(server, room):
    """`lobo impair` rebinds at SIGUSR1."""
    over = threading.Event()

    def each_second():
        while not over.wait(1):
            os.kill(server.line, signal.SIGUSR1)

    thread = threading.Thread(target=each_second)
    if room.rebinds:
        thread.start()
    yield
    over.set()
    if room.rebinds:
        thread.join()


def one(build, carrier, room, seconds):
    with CARRIERS[carrier](build, room) as server, neighbour(room.half):
        load = subprocess.Popen(["taskset", "-c", "1", str(program(build)), carrier, server.host, str(server.port),
                                 str(room.members), str(room.hertz), str(room.nearest), str(seconds)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with load:
            load.stdin.write("".join(server.lines) + "go\n")
            load.stdin.close()
            begin = load.stdout.readline()
            before = lib.cpu_seconds(server.pid)
            with rebinding(server, room):
                end = load.stdout.readline()
            used, memory = lib.cpu_seconds(server.pid) - before, lib.resident_kib(server.pid)
        if not begin or not end:
            sys.exit(f"relay_room: the load over {carrier} ended with {load.returncode}")
    begin, end = json.loads(begin), json.loads(end)
    took = (end["end"] - begin["begin"]) / 1e9
    ages, oldest = ([us / 1e3 for us in end[name]] for name in ("agesUs", "oldestUs"))
    return {"share": used / took, "us_per_state": used * 1e6 / max(1, end["delivered"]),
            "delivered_percent": 100 * end["delivered"] / end["owed"],
            "lost_percent": 100 - 100 * end["delivered"] / end["owed"], "p50_ms": ages[0], "p99_ms": ages[1], "p999_ms": ages[2],
            "oldest_p50_ms": oldest[0], "oldest_p99_ms": oldest[1], "oldest_worst_ms": oldest[3], "states_per_s": end["delivered"] / seconds,
            "load_share": (end["cpu"] - begin["cpu"]) / took, "memory_kib": memory}


def verdicts(accepted, measured):
    for name, limit in accepted.items():
        if name == "per_core":
            got = measured["states_per_s"]["median"] / measured["share"]["median"]
            yield f"{got:.0f} states a second and core of {limit}, {'kept' if got >= limit else 'MISSED'}"
        else:
            got = measured[name]["median"]
            yield f"{name} {got:.2f} of {limit}, {'kept' if got <= limit else 'MISSED'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=list(ROOMS))
    parser.add_argument("--quick", action="store_true", help="one round of a second, and no line")
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds = 1, 1
    results = {}
    for name in args.only or ROOMS:
        room, runs = ROOMS[name], {}
        for carrier in room.carriers:
            if why := missing(carrier, args.build):
                print(f"{name}: {carrier} is left out: {why}")
            else:
                runs[carrier] = []
        for _ in range(args.rounds):
            for carrier, measured in runs.items():
                measured.append(one(args.build.resolve(), carrier, room, args.seconds))
        results[name] = {carrier: {key: lib.summary([run[key] for run in measured], 3) for key in measured[0]}
                         for carrier, measured in runs.items()}
        for carrier, told in results[name].items():
            print(f"{name}, {carrier}: {told['share']['median']:.2f} of a core, {told['us_per_state']['median']:.2f} us a state, "
                  f"{told['delivered_percent']['median']:.2f} % delivered, p50 {told['p50_ms']['median']:.1f}, "
                  f"p99 {told['p99_ms']['median']:.1f} ms, oldest p99 {told['oldest_p99_ms']['median']:.0f} ms"
                  + (", the load was too busy" if told["load_share"]["median"] > LOAD_MAX else ""), flush=True)
        for text in verdicts(room.accepted, results[name]["sdd"]):
            print(f"{name}: {text}", flush=True)
        for text in verdicts(room.accepted_twice, results[name].get("sdd_twice")):
            print(f"{name}, sdd_twice: {text}", flush=True)
    if not args.dry and not args.quick:
        lib.append_result("relay_room", args.build, args.rounds, results)


def enter():
    """Runs this script again within a namespace, by root's right or that of a user namespace."""
    if not os.environ.get(ENTERED):
        os.environ[ENTERED] = "1"
        into = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
        os.execvp(into[0], [*into, sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


if __name__ == "__main__":
    enter()
    main()
