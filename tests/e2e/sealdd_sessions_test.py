#!/usr/bin/env python3
"""Sessions that are asked of SEALDD first (TR 23.700-21 NOTE 2): the enabler and SEALDD as processes, each the other's peer, and
a relay node of Python's own. SEALDD resolves by asking the enabler, both layers that are asked at once make a session once, and
neither a kill nor the end leaves anything at either of them."""

import concurrent.futures
import signal
import unittest

import harness
import metaverse_test
import sealdd_test

QUOTA = "  quotas:\n    requests_per_second: 10000\n    burst: 10000\n"
POLICY = {"match": {"valServiceId": "xr"}, "qosCeil": {"mbrDl": "4 Mbps"}, "ladder": [{"updateRateHz": 15}]}
EVENTS = ["SESSION_STATE", "FLOW_STATE", "SESSION_ENDING"]


class SealddSessions(harness.Case):
    def setUp(self):
        super().setUp()
        self.sink = sealdd_test.Sink()
        self.addCleanup(self.sink.end)
        # Each needs the other's address: SEALDD begins without the enabler, and again with it on the port that it has.
        self.serve_sealdd()
        self.enabler = self.start("serve", "-c", self.write("metaverse.yaml", metaverse_test.SERVER.format(
            folder=self.folder, sealdd=self.url, callbacks=0).replace("  callback_base: http://127.0.0.1:0\n", "") + QUOTA))
        self.enabler_url = self.enabler.ready()[0]
        self.restart_sealdd(signal.SIGTERM)
        self.node = sealdd_test.Relay(self, "n1", 4433)
        self.node.enrol()
        policy = self.of_enabler("POST", "/mm-pol/v1/policies", POLICY)
        self.assertEqual(policy.status, 201, policy.text)

    def serve_sealdd(self, port=0, more=""):
        self.sealdd = self.start("serve", "-c", self.write("sealdd.yaml", sealdd_test.SERVER.format(
            folder=self.folder, lease="60s", port=port) + QUOTA + more))
        self.url = self.sealdd.ready()[0]

    def restart_sealdd(self, number):
        self.sealdd.signal(number)
        self.sealdd.wait()
        self.serve_sealdd(self.url.rsplit(":", 1)[1], f"  mmes:\n    uri: {self.enabler_url}\n    http2: false\n")

    def of_enabler(self, method, path, body=None, headers=None):
        return harness.ask(self.enabler_url + path, method, headers, body)

    def request(self, room, *ues):
        return {"valServiceId": "xr", "requesterId": "val-1", "room": room, "suppFeat": "10000000000",
                "notif": {"uri": self.sink.url, "events": EVENTS},
                "assets": [{"assetId": f"urn:avatar:{ue}", "serverEp": {"id": "room/9"}, "clientEp": {"id": ue},
                            "hostUe": {"valUeId": ue}, "mmelSupport": False, "qos": {"mbrDl": "8 Mbps"}} for ue in ues]}

    def live(self):
        """What the enabler has: shadows, and sessions of its own."""
        items = self.of_enabler("GET", "/mm-das/v1/sessions?limit=1000").json["items"]
        items = [one for one in items if one["state"] not in ("RELEASED", "FAILED", "RELEASING")]
        return ([one["sessionId"] for one in items if one.get("shadow")],
                [one["sessionId"] for one in items if not one.get("shadow")])

    def connections(self):
        return self.ask("GET", "/sdd-trans/v1/connections?limit=1000").json["items"]

    def sessions(self):
        return self.ask("GET", "/sdd-das/v1/sessions?limit=1000").json["items"]

    def release_flows(self):
        for order in self.node.orders():
            if order["kind"] == "releaseFlow":
                self.node.tell(order["flowId"], "CLOSED")

    def expect_nothing_left(self):
        self.until(lambda: (self.release_flows(), self.connections(), self.sessions(), self.live())[1:], ([], [], ([], [])))

    def test_it_is_resolved_used_and_torn_down_and_leaves_nothing(self):
        made = self.ask("POST", "/sdd-das/v1/sessions", body=self.request("r1", "alice", "bob"))
        self.assertEqual(made.status, 201, made.text)
        self.assertEqual({one["grantedQos"]["mbrDl"] for one in made.json["granted"]}, {"4 Mbps"})
        self.assertEqual(self.live(), ([made.json["mmelSessionId"]], []))
        for one in made.json["granted"]:
            self.assertEqual(one["ddServerConnInfo"], {"ipv4Addr": "127.0.0.1", "port": 4433})
            for flow in one["flowIds"]:
                self.assertEqual(self.node.tell(flow, "UP").status, 200)
        states = []
        while "ACTIVE" not in states:
            states += [event["state"] for event in self.sink.next()["events"] if "state" in event]
        path = "/sdd-das/v1/sessions/" + made.json["sessionId"]
        self.assertEqual(self.ask("GET", path).json["state"], "ACTIVE")
        self.assertEqual(self.ask("DELETE", path).status, 204)
        self.assertEqual(self.ask("GET", path).status, 404)
        self.expect_nothing_left()

    def test_both_sides_that_ask_at_once_get_the_same_session_and_both_layers_make_it_once(self):
        key = {"idempotency-key": "a-key-that-both-sides-have"}
        with concurrent.futures.ThreadPoolExecutor(2) as sides:
            both = list(sides.map(lambda _: self.ask("POST", "/sdd-das/v1/sessions", key, self.request("r0", "alice")),
                                  range(2)))
        # One who comes while the other's is under way is told to come again, and then finds it.
        again = self.ask("POST", "/sdd-das/v1/sessions", key, self.request("r0", "alice"))
        self.assertEqual(again.status, 200, again.text)
        self.assertLessEqual({one.status for one in both}, {200, 201, 409})
        made = {one.json["sessionId"] for one in both if one.status < 300}
        self.assertEqual(made, {again.json["sessionId"]})
        self.assertEqual(len(self.connections()), 1)
        self.ask("DELETE", "/sdd-das/v1/sessions/" + again.json["sessionId"])
        self.expect_nothing_left()

        won = []
        for turn in range(8):
            request = self.request(f"r{turn + 1}", "alice", "bob")
            with concurrent.futures.ThreadPoolExecutor(2) as layers:
                there = layers.submit(self.of_enabler, "POST", "/mm-das/v1/sessions", request)
                if turn % 2:  # Asked at once SEALDD is mostly the faster one: so the enabler gets a lead.
                    self.until(lambda: bool(self.connections()), True)
                here = layers.submit(self.ask, "POST", "/sdd-das/v1/sessions", None, request)
                here, there = here.result(), there.result()
            self.assertEqual([here.status, there.status].count(201), 1, f"{here.text}\n{there.text}")
            won.append("SEALDD" if here.status == 201 else "MMES")
            if here.status == 201:
                self.assertEqual((there.status, there.json["cause"]), (424, "SEALDD_FAILED"), there.text)
                path = "/sdd-das/v1/sessions/" + here.json["sessionId"]
                self.until(lambda: len(self.connections()), 2)
                self.assertEqual(self.ask("DELETE", path).status, 204)
            else:
                self.assertEqual((here.status, here.json["cause"]), (409, "SESSION_CONFLICT"), here.text)
                self.until(lambda: len(self.connections()), 2)
                # It is never asked back: the enabler has no shadow of it.
                self.until(self.live, ([], [there.json["sessionId"]]))
                self.of_enabler("DELETE", "/mm-das/v1/sessions/" + there.json["sessionId"])
            self.expect_nothing_left()
        self.assertEqual(set(won), {"SEALDD", "MMES"})

    def test_killed_under_load_each_acknowledged_session_is_there_and_nothing_else(self):
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            asked = [clients.submit(self.attempt, f"room{i}", f"ue{i}") for i in range(24)]
            concurrent.futures.wait(asked[:6])
            self.sealdd.signal(signal.SIGKILL)
            acknowledged = [one.result() for one in asked]
        acknowledged = sorted(one for one in acknowledged if one)
        self.assertTrue(acknowledged)
        self.restart_sealdd(signal.SIGKILL)
        # One whose answer was lost on the way may be there as well: whoever asks again by its key finds it, else it ends
        # because nobody comes.
        listed = lambda: sorted(one["sessionId"] for one in self.sessions() if one["state"] != "REQUESTED")
        self.until(lambda: set(acknowledged) <= set(listed()), True)
        self.until(lambda: len(self.connections()) == len(listed()) == len(self.live()[0]), True, patience=60)
        for one in listed():
            self.assertEqual(self.ask("DELETE", "/sdd-das/v1/sessions/" + one).status, 204)
        self.expect_nothing_left()

    def attempt(self, room, ue):
        try:
            made = self.ask("POST", "/sdd-das/v1/sessions", body=self.request(room, ue))
        except OSError:
            return None
        return made.json["sessionId"] if made.status == 201 else None


if __name__ == "__main__":
    harness.main()
