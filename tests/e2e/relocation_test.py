#!/usr/bin/env python3
"""UEs that are sent to another node while states flow, over QUIC: between two nodes of one SEALDD server, and between two servers by
a pull and a push of contexts. Whoever watches sees each asset go on counting: no step back, nothing twice; and who comes
later finds the newest state of one who stands still at the new node."""

import collections
import json
import os
import threading
import time
import unittest

import harness
import sealdd_test
import sync_test

RELAY = """
relay:
  node: {name}
  server: {{address: 127.0.0.1, port: 0}}
  tls: {{cert: pki/server.pem, key: pki/server.key}}
  reset_key: {name}.reset
  metrics: {{server: {{address: 127.0.0.1, port: 0}}}}
  sealdd: {{uri: {sealdd}}}
"""
QUOTA = "  quotas:\n    requests_per_second: 10000\n    burst: 10000\n"
FEATURES = "10000000000"
STILL_RATE = "0.1"  # a pose each ten seconds: longer than a test watches


class Ue:
    """`lobo mm join`, and what it has seen by the clock."""

    def __init__(self, case, name, node, connection, *more):
        self.process = case.start("mm", "join", "-o", "json", "--states", "--token", connection["token"], "--node",
                                  f"{node.address}:{node.port}", "--certificate", node.digest, *more)
        self.seen = collections.defaultdict(list)  # (time, sequence) by asset and component
        self.events = collections.Counter()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        try:
            while True:
                line = self.process.line(60)
                now = time.monotonic()
                if not line.startswith("{"):
                    continue
                told = json.loads(line)
                self.events[told["event"]] += 1
                if told["event"] == "state":
                    self.seen[(told["asset"], told["component"])].append((now, told["seq"]))
        except (AssertionError, ValueError, OSError):
            pass  # It has ended.

    def of(self, asset):
        return self.seen[(asset, 0)]


class Node:
    def __init__(self, case, name, sealdd):
        process = case.start("relay", "-c", case.write(f"{name}.yaml", RELAY.format(name=name, sealdd=sealdd)))
        told = process.ready()
        self.address, self.port = "127.0.0.1", int(told[0].rsplit(":", 1)[1])
        self.digest, self.admin = told[2].removeprefix("sha256:"), told[-1]


@unittest.skipUnless(os.path.exists(sync_test.UE), "built without QUIC")
class Relocation(harness.Case):
    def setUp(self):
        super().setUp()
        self.lobo("pki", "init", self.folder / "pki")

    def serve(self, name):
        (self.folder / name).mkdir()
        process = self.start("serve", "-c", self.write(f"{name}.yaml", sealdd_test.SERVER.format(
            folder=self.folder / name, lease="3s", port=0).replace("drain: 100ms", "drain: 500ms") + QUOTA))
        return process.ready()[0]

    def node(self, name, sealdd):
        node = Node(self, name, sealdd)
        self.until(lambda: harness.ask(node.admin + "/status/ready").status, 200)
        return node

    def connect(self, sealdd, ue):
        flow = {"urn:sdd:every-asset": {"direction": "SUB"}} if ue in ("carol", "dan") else {
            f"urn:avatar:{ue}": {"direction": "PUB"}}
        made = harness.ask(sealdd + "/sdd-trans/v1/connections", "POST", body={
            "room": "r1", "valServiceId": "xr", "valServerId": "v1", "valTargetUe": {"valUeId": ue}, "flows": flow})
        self.assertEqual(made.status, 201, made.text)
        return made.json

    def begin(self, sealdd, node):
        """alice and bob walk, somebody stands still, carol watches."""
        self.ids = {ue: self.connect(sealdd, ue) for ue in ("alice", "bob", "still", "carol")}
        self.carol = Ue(self, "carol", node, self.ids["carol"], "--observe")
        self.walkers = [Ue(self, ue, node, self.ids[ue], "--rate", "30") for ue in ("alice", "bob")]
        self.still = Ue(self, "still", node, self.ids["still"], "--rate", STILL_RATE)
        self.until_seen(30)
        self.until(lambda: len(self.carol.of("urn:avatar:still")), 1)

    def until_seen(self, more):
        goals = {ue: len(self.carol.of(f"urn:avatar:{ue}")) + more for ue in ("alice", "bob")}
        self.until(lambda: all(len(self.carol.of(f"urn:avatar:{ue}")) >= goal for ue, goal in goals.items()), True)

    def expect_whole(self, since):
        """Each asset went on counting; the longest silence of each from then on, in milliseconds."""
        silences = {}
        for (asset, component), states in sorted(self.carol.seen.items()):
            numbers = [number for _, number in states]
            steps = [(one, two) for one, two in zip(numbers, numbers[1:]) if two <= one]
            self.assertEqual(steps, [], f"{asset} component {component} stepped back or came twice")
            if asset == "urn:avatar:still":
                self.assertEqual(len(states), 1, "it stands still, and is said once")
            elif component == 0:
                times = [at for at, _ in states if at >= since - 0.1]
                silences[asset] = round(1000 * max(two - one for one, two in zip(times, times[1:])))
        print("interruption, ms:", json.dumps(silences), "states:",
              {asset: len(states) for (asset, component), states in self.carol.seen.items() if component == 0})
        self.assertLess(max(silences.values()), 1000)
        for ue in (self.carol, *self.walkers, self.still):
            self.assertEqual((ue.events["relocating"], ue.events["down"]), (1, 0))

    def expect_late_one_sees_who_stands_still(self, sealdd, node):
        dan = Ue(self, "dan", node, self.connect(sealdd, "dan"), "--observe")
        self.until(lambda: [number for _, number in dan.of("urn:avatar:still")],
                   [number for _, number in self.carol.of("urn:avatar:still")])

    def test_a_room_goes_to_another_node_of_its_server_while_states_flow(self):
        sealdd = self.serve("a")
        first = self.node("n1", sealdd)
        self.begin(sealdd, first)
        second = self.node("n2", sealdd)
        # Any latency is bad: the server acts by its policy.
        since = time.monotonic()
        policy = harness.ask(sealdd + "/sdd-pc/v1/configurations", "POST", body={
            "appTrafficIds": ["urn:avatar:alice", "urn:sdd:every-asset"], "suppFeat": FEATURES,
            "sealddPol": {"qualGuarSets": ["CHANGE_SEALDD_SERVER"]}, "thresholds": {"maxLatencyUs": 1, "badSeconds": 1}})
        self.assertEqual(policy.status, 201, policy.text)
        listed = lambda: harness.ask(sealdd + "/sdd-trans/v1/connections").json["items"]
        self.until(lambda: {one["nodeId"] for one in listed()}, {"n2"})
        self.assertEqual(harness.ask(policy.headers["location"], "DELETE").status, 204)
        self.until(lambda: {one["state"] for one in listed()}, {"ESTABLISHED"})
        self.until_seen(30)
        self.expect_whole(since)
        self.expect_late_one_sees_who_stands_still(sealdd, second)

    def test_contexts_take_a_room_to_another_server_while_states_flow(self):
        here, there = self.serve("a"), self.serve("b")
        old, new = self.node("n1", here), self.node("n2", there)
        self.begin(here, old)
        relocations = {}
        for ue, connection in self.ids.items():
            flow = next(iter(connection["flows"].values()))["flowIds"][0]
            pulled = harness.ask(f"{here}/sdd-ddc/v1/contexts?sdd-flow-id={flow}&supp-feats={FEATURES}")
            self.assertEqual(pulled.status, 200, pulled.text)
            pushed = harness.ask(there + "/sdd-ddc/v1/contexts", "POST", body={
                "suppFeat": FEATURES, "ddContext": pulled.json["ddContext"]})
            self.assertEqual(pushed.status, 201, pushed.text)
            relocations[ue] = pushed.json["relocation"]
        since = time.monotonic()
        for ue, relocation in relocations.items():
            sent = harness.ask(f"{here}/sdd-trans/v1/connections/{self.ids[ue]['connectionId']}/relocate", "POST",
                               body=relocation)
            self.assertEqual(sent.status, 204, sent.text)
        self.until(lambda: {one["state"] for one in harness.ask(there + "/sdd-trans/v1/connections").json["items"]},
                   {"ESTABLISHED"})
        self.until(lambda: harness.ask(here + "/sdd-trans/v1/connections").json["items"], [])
        self.until_seen(30)
        self.expect_whole(since)
        self.expect_late_one_sees_who_stands_still(there, new)


if __name__ == "__main__":
    harness.main()
