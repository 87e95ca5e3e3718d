#!/usr/bin/env python3
"""What goes wrong at a node that belongs to a SEALDD server, with every part a process of its own: bad tokens, bad frames, a
receiver that never reads, a UE that vanishes, servers that are killed while states flow. Each fault is named by who found it,
costs nobody else anything, and leaves nothing."""

import base64
import concurrent.futures
import os
import pathlib
import signal
import time
import unittest

import harness
import metaverse_test
import sealdd_test
import sync_test

QUOTA = "  quotas:\n    requests_per_second: 10000\n    burst: 10000\n"
RELAY = sync_test.RELAY + "  limits: {{idle: {idle}}}\n"
# More than some connections and their queues need, less than what is sent in the time of a test.
GROWTH_KIB_MAX = 12 * 1024


@unittest.skipUnless(os.path.exists(sync_test.UE), "built without QUIC")
class Faults(harness.Case):
    def setUp(self):
        super().setUp()
        self.lobo("pki", "init", self.folder / "pki")
        self.sink = sealdd_test.Sink()
        self.addCleanup(self.sink.end)

    def begin(self, idle="30s", token_life="10min", grace="60s"):
        self.token_life, self.grace = token_life, grace
        self.sealdd_port = self.enabler_port = self.relay_port = 0
        self.idle = idle
        self.serve_sealdd()
        self.serve_relay()
        self.serve_enabler()
        self.until(lambda: harness.ask(self.relay_admin + "/status/ready").status, 200)

    def serve_sealdd(self):
        self.sealdd = self.start("serve", "-c", self.write("sealdd.yaml", sealdd_test.SERVER.format(
            folder=self.folder, lease="3s", port=self.sealdd_port) + QUOTA + f"  tokens:\n    life: {self.token_life}\n"))
        self.url = self.sealdd.ready()[0]
        self.sealdd_port = int(self.url.rsplit(":", 1)[1])

    def serve_relay(self):
        self.relay = self.start("relay", "-c", self.write("relay.yaml", RELAY.format(
            port=self.relay_port, sealdd=self.url, idle=self.idle)))
        told = self.relay.ready()
        self.relay_port = int(told[0].rsplit(":", 1)[1])
        self.digest, self.relay_admin = told[2].removeprefix("sha256:"), told[-1]

    def serve_enabler(self):
        text = metaverse_test.SERVER.format(folder=self.folder, sealdd=self.url, callbacks=0).replace(
            "  callback_base: http://127.0.0.1:0\n", "").replace("port: 0", f"port: {self.enabler_port}", 1)
        self.enabler = self.start("serve", "-c", self.write("metaverse.yaml", text + QUOTA +
                                                            f"  sessions:\n    grace: {self.grace}\n"))
        self.enabler_url = self.enabler.ready()[0]
        self.enabler_port = int(self.enabler_url.rsplit(":", 1)[1])

    def of_enabler(self, method, path, body=None, headers=None):
        return harness.ask(self.enabler_url + path, method, headers, body)

    def connections(self):
        return self.ask("GET", "/sdd-trans/v1/connections?limit=1000").json["items"]

    def refused(self, what):
        return self.metric("lobo_relay_refused_total{what=\"%s\"}" % what)

    def metric(self, name):
        lines = harness.ask(self.relay_admin + "/metrics").text.splitlines()
        return next(int(float(line.split()[-1])) for line in lines if line.startswith(name + " "))

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.relay.child.pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def session(self, *ues, qos=None, **more):
        """Its path; what each UE needs to come in, by UE."""
        made = self.of_enabler("POST", "/mm-das/v1/sessions", {
            "valServiceId": "xr", "requesterId": "val-1",
            "notif": {"uri": self.sink.url, "events": ["SESSION_STATE", "FLOW_STATE", "SESSION_ENDING"]},
            "assets": [{"assetId": f"urn:avatar:{ue}", "serverEp": {"id": "room/9"}, "clientEp": {"id": ue},
                        "hostUe": {"valUeId": ue}, "direction": "BIDI", "qos": qos or {"mbrDl": "8 Mbps", "updateRateHz": 30},
                        **more} for ue in ues]})
        self.assertEqual(made.status, 201, made.text)
        flows = {asset: flow for one in self.connections() for asset, flow in one["flows"].items()}
        entries = {}
        for one in made.json["granted"]:
            flow = flows[one["assetId"]]
            entries[one["assetId"].removeprefix("urn:avatar:")] = [
                "127.0.0.1", self.relay_port, self.digest, one["token"], flow["flowIds"][0], flow["alias"]]
        return "/mm-das/v1/sessions/" + made.json["sessionId"], entries

    def ues(self, *entries):
        """Each call is a process of its own."""
        return sync_test.Ues(self, entries)

    def states(self, ues):
        """What they have seen by now: no line that waited to be read."""
        now = time.monotonic_ns()
        while True:
            told = ues.until("states")[0]
            if told["atNs"] > now:
                return told["states"]

    def expect_others_go_on(self, ues):
        before = self.states(ues)
        self.until(lambda: self.states(ues) > before, True)

    def expect_end_leaves_nothing(self, *paths):
        for path in paths:
            self.assertIn(self.of_enabler("DELETE", path).status, (202, 204))
        self.until(self.connections, [])
        self.until(lambda: self.metric("lobo_relay_flows"), 0)
        for path in paths:
            self.until(lambda: self.of_enabler("GET", path).json["state"], "RELEASED")

    # ---- tokens

    def test_a_forged_token_is_refused_by_cause_and_costs_nobody_else_anything(self):
        self.begin()
        path, entries = self.session("alice", "bob", "mallory")
        honest = self.ues(entries["alice"], entries["bob"])
        honest.until("up", 2)
        signed = bytearray(base64.urlsafe_b64decode(entries["mallory"][3] + "=="))
        at = signed.index(b"urn:avatar:mallory")
        for place, octet in ((len(signed) - 1, signed[-1] ^ 1), (at, signed[at] ^ 1)):  # its signature; its claims
            forged = bytearray(signed)
            forged[place] = octet
            entry = list(entries["mallory"])
            entry[3] = base64.urlsafe_b64encode(forged).decode().rstrip("=")
            self.assertEqual(self.ues(entry).until("refused")[0]["why"], "token_refused")
        entry[3] = base64.urlsafe_b64encode(signed[:40]).decode().rstrip("=")
        self.assertEqual(self.ues(entry).until("refused")[0]["why"], "token_malformed")
        self.assertEqual(self.refused("token"), 3)
        self.assertEqual(self.metric("lobo_relay_flows"), 2)
        self.expect_others_go_on(honest)
        self.expect_end_leaves_nothing(path)

    def test_a_flow_ends_with_its_token_and_the_expired_one_lets_nobody_in_again(self):
        self.begin(token_life="10s")
        _, entries = self.session("alice")
        alice = self.ues(entries["alice"])
        alice.until("up")
        self.assertEqual(alice.until("released")[0]["why"], "token_refused")
        self.assertEqual(self.ues(entries["alice"]).until("refused")[0]["why"], "token_refused")
        self.assertEqual(self.metric("lobo_relay_flows"), 0)

    def test_a_token_lets_no_other_flow_in_and_frames_of_that_are_refused(self):
        self.begin()
        path, entries = self.session("alice", "bob")
        bob = self.ues(entries["bob"])
        bob.until("up")
        asks = [*entries["alice"][:4], *entries["bob"][4:], "asks"]  # her token, his flow
        self.assertEqual(self.ues(asks).until("refused")[0]["why"], "flow_unknown")
        sends = self.ues([*entries["alice"][:4], *entries["bob"][4:]])
        sends.until("up")  # with her own flow, which she then does not use
        self.until(lambda: self.refused("flow_unknown") > 10, True)
        self.assertEqual(self.states(bob), 0, "nothing of it was ever shown")
        self.expect_end_leaves_nothing(path)

    # ---- frames

    def expect_counted(self, fault, what, **more):
        """mallory does what she should and the fault besides; what is right of it goes on."""
        path, entries = self.session("alice", "mallory", **more)
        before = self.refused(what)
        alice = self.ues(entries["alice"])
        alice.until("up")
        mallory = self.ues([*entries["mallory"], fault])
        mallory.until("up")
        self.until(lambda: self.refused(what) > before + 10, True)
        self.expect_others_go_on(alice)
        self.expect_others_go_on(mallory)
        self.assertEqual(self.metric("lobo_relay_flows"), 2)
        self.expect_end_leaves_nothing(path)

    def test_a_masked_component_that_is_sent_all_the_same_is_counted_as_such(self):
        self.begin()
        self.expect_counted("masked", "masked", components=1)

    def test_frames_of_unknown_flows_are_counted_as_such(self):
        self.begin()
        self.expect_counted("unknown", "flow_unknown")

    def test_frames_of_impossible_lengths_are_counted_as_such(self):
        self.begin()
        self.expect_counted("lengths", "datagram_malformed")

    def test_sequences_from_the_far_future_are_counted_as_such(self):
        self.begin()
        self.expect_counted("future", "too_far")

    def test_a_control_message_of_impossible_length_ends_its_connection_and_says_why(self):
        self.begin()
        path, entries = self.session("alice", "bob", "mallory")
        honest = self.ues(entries["alice"], entries["bob"])
        honest.until("up", 2)
        resident = self.resident_kib()
        mallory = self.ues([*entries["mallory"], "endless"])  # and comes back, again and again
        for told in mallory.until("closed", 20):
            self.assertEqual(told["why"], "the control stream cannot be read")
        self.assertLess(self.resident_kib() - resident, GROWTH_KIB_MAX)
        self.expect_others_go_on(honest)
        mallory.end()
        self.expect_end_leaves_nothing(path)

    # ---- receivers and UEs

    def test_a_receiver_that_never_reads_costs_a_bounded_queue_and_nobody_else_anything(self):
        self.begin(idle="8s")
        path, entries = self.session("alice", "bob", "deaf", qos={"mbrDl": "400 Mbps", "reliabilityClass": "R1", "ttlMs": 60000})
        honest = self.ues([*entries["alice"], "flood"], entries["bob"])
        honest.until("up", 2)
        deaf = self.ues(entries["deaf"])
        deaf.until("up")
        self.until(lambda: self.states(deaf) > 1000, True)  # The flood is there, and memory is as it stays.
        resident, sent = self.resident_kib(), self.metric("lobo_relay_datagrams_total")
        deaf.process.signal(signal.SIGSTOP)
        self.addCleanup(deaf.process.signal, signal.SIGCONT)
        self.until(lambda: self.metric("lobo_relay_links"), 2)  # put out
        sent = self.metric("lobo_relay_datagrams_total") - sent
        self.assertGreater(sent, 2 * GROWTH_KIB_MAX, "a KiB each: a queue of them all would be seen")
        self.assertLess(self.resident_kib() - resident, GROWTH_KIB_MAX)
        self.expect_others_go_on(honest)
        self.until(lambda: {one["assetId"]: one["state"] for one in self.of_enabler("GET", path + "/flows").json["items"]}
                   ["urn:avatar:deaf"], "CLOSED")
        deaf.process.signal(signal.SIGCONT)
        deaf.until("up")  # It comes back by itself when it reads again.
        self.expect_end_leaves_nothing(path)

    def test_a_session_whose_ues_vanish_tells_of_each_and_ends_after_its_grace_with_nothing_left(self):
        self.begin(idle="2s", grace="3s")
        path, entries = self.session("alice", "bob")
        alice, bob = self.ues(entries["alice"]), self.ues(entries["bob"])
        alice.until("up")
        bob.until("up")
        alice.process.signal(signal.SIGKILL)
        heard = []
        while ("urn:avatar:alice", "CLOSED") not in heard:
            heard += [(event.get("assetId"), event.get("flowState")) for event in self.sink.next()["events"]]
        self.assertNotIn(("urn:avatar:bob", "CLOSED"), heard)
        self.assertIn(self.of_enabler("GET", path).json["state"], ("ACTIVE", "DEGRADED"), "one of two is there")
        bob.process.signal(signal.SIGKILL)
        self.until(lambda: self.of_enabler("GET", path).json["state"], "RELEASED")
        self.until(self.connections, [])
        self.until(lambda: (self.metric("lobo_relay_flows"), self.metric("lobo_relay_links")), (0, 0))

    # ---- the control plane

    def test_servers_that_are_killed_in_mid_load_lose_no_acknowledged_session_and_no_flow(self):
        self.begin()
        path, entries = self.session("alice", "bob")
        honest = self.ues(entries["alice"], entries["bob"])
        honest.until("up", 2)
        paths = [path]
        for process, serve in (("sealdd", self.serve_sealdd), ("enabler", self.serve_enabler)):
            with concurrent.futures.ThreadPoolExecutor(4) as clients:
                asked = [clients.submit(self.attempt, f"{process}{i}") for i in range(16)]
                concurrent.futures.wait(asked[:4])
                getattr(self, process).signal(signal.SIGKILL)
                getattr(self, process).wait()
                serve()
                acknowledged = [one.result() for one in asked]
            paths += [one for one in acknowledged if one]
            self.assertGreater(len(paths), 1)
            self.expect_others_go_on(honest)
        self.assertEqual(self.metric("lobo_relay_links_opened_total"), 2, "nobody had to come back")
        for one in paths:
            self.assertEqual(self.of_enabler("GET", one).status, 200, one)
        self.assertEqual(self.of_enabler("GET", path).json["state"], "ACTIVE")
        # An answer that was lost on its way may have left a session that its client can still find by its key.
        live = lambda: [one["sessionId"] for one in self.of_enabler("GET", "/mm-das/v1/sessions?limit=1000").json["items"]
                        if one["state"] not in ("RELEASED", "FAILED", "RELEASING")]
        self.until(lambda: len(self.connections()) == len(live()) + 1, True)  # the first has two
        self.expect_end_leaves_nothing(*("/mm-das/v1/sessions/" + one for one in live()))

    def attempt(self, ue):
        try:
            made = self.of_enabler("POST", "/mm-das/v1/sessions", {
                "valServiceId": "xr", "requesterId": "val-1",
                "assets": [{"assetId": f"urn:avatar:{ue}", "serverEp": {"id": "room/9"}, "clientEp": {"id": ue},
                            "hostUe": {"valUeId": ue}, "qos": {"mbrDl": "8 Mbps"}}]})
        except OSError:
            return None
        return "/mm-das/v1/sessions/" + made.json["sessionId"] if made.status == 201 else None


if __name__ == "__main__":
    harness.main()
