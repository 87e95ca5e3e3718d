#!/usr/bin/env python3
"""kill -9 under load: nothing acknowledged is lost, and the core holds exactly what was promised.

Applications create, change and release unicast resources, adaptations and monitors at `lobo serve` before
a `lobo netsim`, links get worse and better, the group has other members in each life, and the server is
killed again and again: every other time while a call to the core
has been committed and performed (or lost) there and is not answered, else after a seeded number of
acknowledgements, which may be none. At the end the three books are compared: what the applications
were told, what the server lists, what the core holds; and the numbers of all notifications."""

import argparse
import collections
import json
import pathlib
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

import crash_kinds
import crash_load
import lib

sys.path.insert(0, str(lib.ROOT / "tests" / "e2e"))
import harness  # noqa: E402

APPLICATIONS = 12
PATIENCE = 30.0              # for the network to settle, and for load to make progress
FAULT_DELAY_MS = 4000        # how long the core keeps the answer back that a kill is aimed before
RANDOM_ACKS_MAX = 120
EVIDENCE_LINES_MAX = 20
IN_FLIGHT = ("CreateASSessionWithQoSSubscription", "CreateASSessionWithQoSSubscription",
             "DeleteIndASSessionWithQoSSubscription", "ModifyIndASSessionWithQoSSubscription")
KEPT = ("confirmed", "simulated", "degraded")

NETWORK = """
logger: {{level: warn}}
netsim:
  server:
    - {{address: 127.0.0.1, port: 0}}
  cells:
    - {{name: cell1, downlink: 100 Gbps, uplink: 100 Gbps}}
  ues:
{ues}
  qos_profiles:
    - {{name: xr-gold, downlink: 40 Mbps, uplink: 10 Mbps, delay: 30ms, loss_percent: 0.1}}
    - {{name: xr-silver, downlink: 20 Mbps, uplink: 5 Mbps, delay: 50ms, loss_percent: 1}}
  application_functions: [lobodon]
  behaviour: {{callback_attempts_max: 14, callback_retry_first: 10ms}}
"""

SERVER = """
logger: {{level: warn}}
nrm:
  server:
    - {{address: 127.0.0.1, port: {port}}}
  metrics:
    server:
      - {{address: 127.0.0.1, port: 0}}
  store:
    path: {folder}/store.sqlite
  auth: {{mode: "off"}}
  nef: {{uri: "{nef}", allocation_events: always}}
  quotas: {{resources_per_client: 100000, requests_per_second: 100000, burst: 100000}}
  ues:
{ues}
  groups:
    - val_group: {group}
      val_ues: [{crew}]
  qos_references: [xr-gold, xr-silver]
  sinks: {{allow: [127.0.0.0/8], https_only: false}}
"""


class Stage:
    """The processes, and what the applications share."""

    def __init__(self, lobo, folder, seed):
        self.lobo, self.folder = lobo, folder
        self.rng = random.Random(seed)
        self.sink = crash_load.Sink()
        self.acks = crash_load.Acknowledgements()
        self.up = threading.Event()
        self.life = 0
        self.recoveries = []
        self.died = 0.0
        self.journal_at = 0
        self.crew = []
        own = [f"ue{number}" for number in range(1, APPLICATIONS + 1)]
        ues = [*own, *crash_kinds.EXTRAS]
        self.gpsi = gpsi = {ue: f"msisdn-4917000{number:05}" for number, ue in enumerate(ues, 1)}
        self.server_ues = "".join(f"    - {{val_ue: {ue}, gpsi: {gpsi[ue]}}}\n" for ue in ues)
        (folder / "network.yaml").write_text(NETWORK.format(ues="".join(
            f"    - {{name: {ue}, gpsi: {gpsi[ue]}, ipv4: 10.45.0.{number}, cell: cell1}}\n"
            for number, ue in enumerate(ues, 2))), encoding="utf-8")
        self.network = harness.Process([lobo, "netsim", "-c", folder / "network.yaml"], folder / "netsim.log")
        self.net_url = self.network.ready()[0]
        self.net = crash_load.Client(self.net_url)
        self.server, self.port = None, 0
        self.start()
        self.applications = [crash_load.Application(number, ue, self, seed) for number, ue in enumerate(own)]

    def start(self):
        """Starts the server on its old address and store; how long it took until it was ready."""
        config = self.folder / "server.yaml"
        self.crew = sorted(self.rng.sample(crash_kinds.EXTRAS, self.rng.randint(1, len(crash_kinds.EXTRAS))))
        config.write_text(SERVER.format(port=self.port, folder=self.folder, nef=self.net_url, ues=self.server_ues,
                                        group=crash_kinds.GROUP, crew=", ".join(self.crew)), encoding="utf-8")
        begin = time.monotonic()
        self.server = harness.Process([self.lobo, "serve", "-c", config], self.folder / "serve.log")
        self.url, self.admin_url = self.server.ready()[:2]
        took = time.monotonic() - begin
        self.port = self.url.rsplit(":", 1)[1]
        self.life += 1
        self.up.set()
        return took

    def kill(self):
        self.up.clear()
        self.server.signal(harness.SIGKILL)
        self.server.wait()
        self.died = time.monotonic()
        self.server.end()
        self.recoveries.append(self.start())

    def end(self):
        for application in self.applications:
            application.stopping.set()
        self.up.set()
        for process in (self.server, self.network):
            process.end()
        self.sink.close()

    # -- kills ----------------------------------------------------------------------------------

    def control(self, method, path, body=None):
        status, answer, _ = self.net.ask(method, "/netsim-control/v1" + path, body)
        if status >= 300:
            raise AssertionError(f"{method} {path}: {status} {answer}")
        return answer

    def kill_in_flight(self):
        """While the core keeps an answer back. True where the kill came before the answer."""
        operation = self.rng.choice(IN_FLIGHT)
        self.journal_at = self.control("GET", "/journal?limit=1")["next"] - 1
        begin = time.monotonic()
        self.control("POST", "/faults", {"operation": operation, "kind": "DELAY", "delayMs": FAULT_DELAY_MS,
                                         "performed": self.rng.random() < 0.7})
        struck = False
        while not struck:
            if time.monotonic() - begin > PATIENCE:
                raise AssertionError(f"no {operation} reached the core in {PATIENCE} s\n" + self.state())
            page = self.control("GET", f"/journal?after={self.journal_at}&limit=200")
            for entry in page["entries"]:
                self.journal_at = entry["sequence"]
                struck |= entry.get("fault") == "DELAY"
        self.kill()
        return self.died - begin < FAULT_DELAY_MS / 1000

    def kill_at_random(self):
        if not self.acks.reach(self.acks.total + self.rng.randint(0, RANDOM_ACKS_MAX), PATIENCE):
            raise AssertionError(f"no progress in {PATIENCE} s\n" + self.state())
        self.kill()

    def state(self):
        return json.dumps({"acknowledged": self.acks.by_what, "refused": self.acks.refused,
                           "pending": sum(len(one.pending) for one in self.applications),
                           "held": sum(len(one.held) for one in self.applications)})


def until(asked, patience=PATIENCE):
    """Asks until there is nothing wrong; what was wrong at last."""
    end = time.monotonic() + patience
    while (wrong := asked()) and time.monotonic() < end:
        pass
    return wrong


class Audit:
    """The three books, compared. Every complaint is a line of evidence under its heading."""

    def __init__(self, stage):
        self.stage = stage
        self.client = crash_load.Client(stage.url)
        self.wrong = {}
        self.refused_members = {}  # (adaptation, UE): why

    def complain(self, heading, lines):
        if lines:
            print(f"crash: {heading}: {len(lines)}", *lines[:EVIDENCE_LINES_MAX], sep="\n  ", flush=True)
            self.wrong.setdefault(heading, []).extend(lines)

    def found(self):
        return sum(map(len, self.wrong.values()))

    def listed(self, kind):
        found, cursor = {}, ""
        while cursor is not None:
            _, page, _ = self.client.ask("GET", kind.api + "?limit=500" + (cursor and f"&cursor={cursor}"))
            found.update({item[kind.item]: item[kind.document] for item in page["items"]})
            cursor = page.get("next")
        return found

    def at_core(self):
        """Names of what the core holds for us, by (kind of resource, identifier); analytics besides sessions."""
        found = collections.defaultdict(list)
        for one in self.stage.control("GET", "/reservations")["reservations"]:
            found[crash_kinds.callback_of(one["notificationDestination"])].append(one)
        _, analytics, _ = self.stage.net.ask("GET", "/3gpp-analyticsexposure/v1/lobodon/subscriptions")
        for one in analytics:
            found[crash_kinds.callback_of(one["notifUri"])].append({"subscriptionId": one["self"]})
        return found

    def settle(self):
        """All that is in doubt is asked for again, as any application would."""
        left = until(lambda: [one for one in self.stage.applications if not one.finish()])
        self.complain("lost", [line for one in self.stage.applications for line in one.wrong])
        self.complain("unsettled", [f"{one.ue}: {len(one.pending)} creates, "
                                    f"{sum(each.leaving for each in one.held.values())} releases" for one in left])

    def held(self, kind=None):
        """What was acknowledged and is not over; of one that ended by itself its last report is the receipt."""
        return {each.id: each for one in self.stage.applications for each in one.held.values()
                if kind in (None, each.kind) and each.id not in self.stage.sink.ended}

    def compare(self, wanted):
        """What differs between the books, by heading."""
        wrong = collections.defaultdict(list)
        listed = {kind: self.listed(kind) for kind in crash_kinds.ALL}
        at_core = self.at_core()
        for kind, documents in listed.items():
            held = self.held(kind)
            wrong["lost"] += [f"{kind.name} {one}: acknowledged, not listed" for one in held.keys() - documents.keys()]
            wrong["unknown"] += [f"{kind.name} {one}: listed, never acknowledged: {documents[one]}"
                                 for one in documents.keys() - held.keys()]
            for one in held.keys() & documents.keys():
                promise = kind.promise(documents[one])
                if promise not in (held[one].promise, held[one].perhaps):
                    wrong["quality"].append(f"{one}: acknowledged {held[one].promise}, listed {promise}")
        for one, subscription in listed[crash_kinds.UNICAST].items():
            state = subscription["uniQosState"]["controlPlane"]
            if state not in wanted:
                wrong["state"].append(f"{one}: {subscription['uniQosState']}")
            self.one_reservation(one, subscription["uniQosReq"], at_core, wrong)
        for one, resource in self.held(crash_kinds.ADAPTATION).items():
            if one in listed[crash_kinds.ADAPTATION]:
                self.members(one, resource, at_core, wrong)
        self.one_measurement_each(listed[crash_kinds.MONITOR], at_core, wrong)
        for (kind, one), there in at_core.items():
            wrong["orphans"].append(f"{kind} {one}: {there}")
        return {heading: lines for heading, lines in wrong.items() if lines}

    def members(self, one, resource, at_core, wrong):
        """Of an adaptation each UE of its list or group has a result, and the core agrees with it."""
        _, adaptation, _ = self.client.ask("GET", resource.path())
        results = {result["valTgtUe"]["valUeId"]: result for result in adaptation["ueResults"]}
        wanted = crash_kinds.ues_of(resource.body, self.stage.crew)
        if results.keys() != wanted or adaptation["adaptState"]["ues"]["pending"]:
            wrong["state"].append(f"adaptation {one} of {sorted(wanted)}: {adaptation['adaptState']}, {results}")
        self.refused_members = {key: value for key, value in self.refused_members.items() if key[0] != one}
        for ue, result in results.items():
            name = f"{one}.e.{ue}"
            if result["result"] == "REFUSED":  # Partial failure is a result, and then nothing is held.
                self.refused_members[one, ue] = result.get("cause")
                if there := at_core.pop(("unicast", name), []):
                    wrong["orphans"].append(f"{name}: {result}, {there}")
            else:
                kept = result.get("previousKept", False)
                self.one_reservation(name, None if kept else adaptation["uniQosReq"], at_core, wrong)

    def one_reservation(self, one, quality, at_core, wrong):
        there = at_core.pop(("unicast", one), [])
        if len(there) != 1:
            wrong["duplicated" if there else "missing"].append(f"{one}: {len(there)} at the core: {there}")
        elif quality is not None and there[0].get("qosReference") != quality:
            wrong["quality"].append(f"{one}: promised {quality}, the core keeps {there[0]}")

    def one_measurement_each(self, monitors, at_core, wrong):
        """The core measures what the monitors need, each thing once."""
        needed = {f"{source}:{self.stage.gpsi[ue]}" for one in monitors.values()
                  for source in crash_kinds.sources_of(one) for ue in crash_kinds.ues_of(one, self.stage.crew)}
        for source in needed:
            there = at_core.pop(("analytics" if source.startswith("analytics:") else "measure", source), [])
            if len(there) != 1:
                wrong["measurements"].append(f"{source}: measured {len(there)} times: {there}")
        for one, monitor in monitors.items():
            targets = monitor["monState"]["targets"]
            if targets != len(crash_kinds.ues_of(monitor, self.stage.crew)):
                wrong["state"].append(f"monitor {one} follows {targets} UEs, and the crew is {self.stage.crew}")

    def books(self):
        for heading, lines in until(lambda: self.compare(KEPT)).items():
            self.complain(heading, lines)

    def links(self):
        """All links get better, worse and better, so that a lost last notification shows as a hole."""
        for degraded in (False, True, False):
            for one in self.stage.applications:
                one.degraded = not degraded
                one.control.close()  # it may have been idle for longer than the core keeps it
                one.toggle_link()
            wanted = ("degraded",) if degraded else ("confirmed", "simulated")
            for heading, lines in until(lambda w=wanted: self.compare(w)).items():
                self.complain(heading, lines)

    def callbacks(self):
        """What the core told of a resource that the server had promised, and the server did not take."""
        held, after, refused = self.held(), 0, []
        while entries := self.stage.control("GET", f"/journal?after={after}&limit=1000")["entries"]:
            after = entries[-1]["sequence"]
            refused += [json.dumps(one) for one in entries if one["direction"] == "out" and
                        400 <= one.get("status", 0) < 500 and held.keys() & one["path"].split("/")]
        return refused

    def parked(self):
        admin, after, found = crash_load.Client(self.stage.admin_url), 0, []
        while True:
            _, page, _ = admin.ask("GET", f"/admin/parked-notifications?after={after}")
            found += page["parked"]
            if not page["parked"]:
                return found
            after = page["next"]

    def holes(self):
        """Numbers that did not arrive, of every subscription that ever was; parked ones are not lost."""
        numbers = {one: set(seen) for one, seen in dict(self.stage.sink.numbers).items()}
        for one in self.parked():
            numbers.setdefault(one["subscription"]["id"], set()).add(one["seq"])
        wrong = [f"{one}: {sorted(set(range(1, max(seen) + 1)) - seen)} missing of {max(seen)}"
                 for one, seen in numbers.items() if len(seen) != max(seen)]
        last = self.stage.sink.last_event
        return wrong + [f"{one}: heard {last.get(one, 'nothing')} last, and the link is good"
                        for one in self.held(crash_kinds.UNICAST) if last.get(one) != "QOS_GUARANTEED"]

    def reports(self):
        """Every monitor goes on reporting."""
        before = {one: len(self.stage.sink.numbers[one]) for one in self.held(crash_kinds.MONITOR)}
        return until(lambda: [f"{one}: silent since its report number {count}" for one, count in before.items()
                              if one not in self.stage.sink.ended and len(self.stage.sink.numbers[one]) <= count])

    def ends(self):
        """Whoever ended by itself said so once, by the cause that was asked for, and nothing after it."""
        wrong = []
        for one, causes in dict(self.stage.sink.ended).items():
            last = max(self.stage.sink.numbers[one])
            if list(causes) != [last] or set(causes.values()) != {"NUM_REPORTS_REACHED"}:
                wrong.append(f"{one}: ended by {causes}, and its last report is {last}")
        return wrong

    def order(self):
        wrong = []
        for one, seen in dict(self.stage.sink.numbers).items():
            fresh = list(dict.fromkeys(seen))
            if fresh != sorted(fresh):
                wrong.append(f"{one}: {seen}")
        return wrong

    def release_all(self):
        for application in self.stage.applications:
            application.wrong.clear()
            application.client.close()
            for one in list(application.held.values()):
                application.release(one)
        self.settle()

        def left():
            counts = self.stage.control("GET", "/summary")
            return [f"{name}: {counts[name]}" for name in ("sessionsWithQos", "monitoringSubscriptions")
                    if counts[name]] + [str(one) for one in self.at_core()]

        self.complain("left at the core", until(left))

    def store(self):
        """After the end of the server: what is left on the disk."""
        database = sqlite3.connect(f"file:{self.stage.folder}/store.sqlite?mode=ro", uri=True)
        left = database.execute("SELECT kind, count(*) FROM resource WHERE kind <> 'core_peer' GROUP BY kind").fetchall()
        left += database.execute("SELECT 'effect ' || type, count(*) FROM effect WHERE parked = 0 GROUP BY type").fetchall()
        left += database.execute("SELECT 'timer ' || name, count(*) FROM timer GROUP BY name").fetchall()
        database.close()
        return [f"{kind}: {count}" for kind, count in left]


def run(stage, kills):
    for application in stage.applications:
        application.start()
    in_flight = 0
    begin = time.monotonic()
    for number in range(1, kills + 1):
        if number % 2:
            in_flight += stage.kill_in_flight()
        else:
            stage.kill_at_random()
        if number % 10 == 0 or number == kills:
            print(f"crash: {number} of {kills} kills, {in_flight} in flight, {stage.acks.total} acknowledged, "
                  f"{time.monotonic() - begin:.0f} s", flush=True)
    stage.acks.reach(stage.acks.total + RANDOM_ACKS_MAX, PATIENCE)
    for application in stage.applications:
        application.stopping.set()
    for application in stage.applications:
        application.join(PATIENCE)
    return in_flight


def audit(stage):
    books = Audit(stage)
    for step, work in (("settled", books.settle), ("books compared", books.books), ("links moved", books.links)):
        begin = time.monotonic()
        work()
        print(f"crash: {step} in {time.monotonic() - begin:.1f} s, {books.found()} violations", flush=True)
    books.complain("monitors silent", books.reports())
    books.complain("notifications missing", until(books.holes))
    books.complain("ended otherwise", books.ends())
    books.complain("notifications out of order", books.order())
    books.complain("callbacks refused", books.callbacks())
    held = len(books.held())
    books.release_all()
    until(books.store)  # a source in doubt is looked after once more, after the core has nothing of it
    stage.server.signal(harness.SIGTERM)
    stage.server.wait()
    books.complain("left in the store", books.store())
    return books, held


def results_of(stage, kills, in_flight, books, held):
    wrong = books.wrong
    times = sorted(took * 1000 for took in stage.recoveries)
    count = {heading: len(lines) for heading, lines in wrong.items()}
    return {"kills": kills, "in_flight_kills": in_flight, "acknowledged": dict(stage.acks.by_what),
            "monitors_ended": len(stage.sink.ended),
            "members_refused": dict(collections.Counter(books.refused_members.values())),
            "answers_cut_off": stage.acks.cut_off, "refused": dict(stage.acks.refused), "held_at_end": held,
            "notifications": sum(map(len, stage.sink.numbers.values())),
            "lost": count.get("lost", 0), "duplicated": count.get("duplicated", 0),
            "without_reservation": count.get("missing", 0), "orphans": count.get("orphans", 0),
            "measurements_wrong": count.get("measurements", 0),
            "notifications_missing": count.get("notifications missing", 0), "violations": sum(count.values()),
            "recovery_ms": {"median": round(lib.median(times), 1),
                            "p99": round(times[min(len(times) - 1, int(len(times) * 0.99))], 1)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lobo-crash-"))
    stage = Stage(args.build / "lobo", folder, args.seed)
    try:
        in_flight = run(stage, args.kills)
        books, held = audit(stage)
    finally:
        stage.end()
    results = results_of(stage, args.kills, in_flight, books, held)
    print(json.dumps(results if args.dry else lib.append_result("crash", args.build, 1, results), indent=1))
    if books.wrong:
        print(f"crash: see {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
