"""QoS for many UEs and for a group, with real processes: results UE by UE, kill -9 in the middle, SIGHUP."""

import json
import subprocess

import harness

UES = 60


class Adaptation(harness.Case):
    NETWORK = """
netsim:
  server:
    - {address: 127.0.0.1, port: 0}
  cells:
    - {name: cell1, downlink: 2 Gbps, uplink: 2 Gbps}
    - {name: small, downlink: 25 Mbps, uplink: 20 Mbps}
  ues:
""" + "".join(f"    - {{name: m{i}, gpsi: msisdn-4917000{i:05}, ipv4: 10.45.{i // 250}.{i % 250 + 2}, cell: cell1}}\n"
              for i in range(UES)) + """\
    - {name: far, gpsi: msisdn-491799999999, ipv4: 10.46.0.2, cell: small}
  qos_profiles:
    - {name: xr-gold, downlink: 30 Mbps, uplink: 10 Mbps, delay: 30ms, loss_percent: 0.1}
    - {name: xr-silver, downlink: 20 Mbps, uplink: 5 Mbps, delay: 50ms, loss_percent: 1}
  bdt_references: [night]
  application_functions: [lobodon]
"""

    MORE = "".join(f"    - {{val_ue: m{i}, gpsi: msisdn-4917000{i:05}}}\n" for i in range(UES)) + """\
    - {val_ue: far, gpsi: msisdn-491799999999}
"""

    def setUp(self):
        super().setUp()
        self.start_network()

    def server_config(self, port=0, auth='    mode: "off"\n', tls="", nef_more="", more=""):
        text = self.SERVER.format(port=port, tls=tls, folder=self.folder, auth=auth, nef=self.net_url,
                                  nef_more=nef_more, more=more)
        before, after = text.split("  ues:\n")
        return self.write("server.yaml", before + "  ues:\n" + self.MORE + after[after.index("  qos_references"):])

    def adaptation(self, *words, exit_code=0):
        return self.lobo("nrm", "adaptation", *words, "--server", self.url, exit_code=exit_code)

    def ues(self, count=UES):
        return [word for i in range(count) for word in ("--ue", f"m{i}")]

    def results(self, shown):
        return {one["valTgtUe"]["valUeId"]: one["result"] for one in shown["adaptation"]["ueResults"]}

    def at_core(self):
        return sorted(one["ue"] for one in self.reservations())

    def test_a_list_is_answered_ue_by_ue_and_released_as_one(self):
        self.start_server()
        made = json.loads(self.adaptation("create", *self.ues(3), "--ue", "far", "--ue", "nobody", "--qos", "xr-gold",
                                          "--accept-offer", "--bdt", "night", "--notify", "http://127.0.0.1:9/x",
                                          "-o", "json"))
        self.assertEqual(self.results(made), {"m0": "CONFIRMED", "m1": "CONFIRMED", "m2": "CONFIRMED",
                                              "far": "NEGOTIATED", "nobody": "REFUSED"})
        far = [one for one in made["adaptation"]["ueResults"] if one["valTgtUe"]["valUeId"] == "far"][0]
        self.assertEqual(far["grantedQos"]["qosReference"], "xr-silver")
        self.assertEqual(far["bdtResult"], "CONFIRMED")
        self.assertTrue(far["simulated"])
        self.assertEqual(json.loads(self.nrm("list", "-o", "json")), [], "members are not the application's own")
        identity = made["adaptationId"]
        changed = json.loads(self.adaptation("update", identity, "--qos", "xr-silver", "-o", "json"))
        self.assertEqual(self.results(changed)["far"], "CONFIRMED")
        self.assertIn("m1", self.adaptation("get", identity))
        self.adaptation("delete", identity)
        self.assertEqual(self.at_core(), [])
        self.assertEqual(json.loads(self.adaptation("list", "-o", "json")), [])

    def test_losses_and_returns_come_as_one_stream_with_the_ue_named(self):
        self.start_server()
        sink = self.start_listener()
        made = json.loads(self.adaptation("create", *self.ues(3), "--qos", "xr-gold", "--notify", sink + "/events",
                                          "-o", "json"))
        self.net("degrade", "m1", "--loss", "5")
        told = json.loads(self.listener.line())["eventNotifs"][0]
        self.assertEqual((told["event"], told["valTgtUe"]["valUeId"], told["seq"]), ("QOS_NOT_GUARANTEED", "m1", 1))
        self.net("restore", "m1")
        told = json.loads(self.listener.line())["eventNotifs"][0]
        self.assertEqual((told["event"], told["valTgtUe"]["valUeId"], told["seq"]), ("QOS_GUARANTEED", "m1", 2))
        self.adaptation("delete", made["adaptationId"])

    def test_kill_9_in_the_middle_of_a_fan_out_leaves_each_ue_one_reservation_or_none(self):
        self.start_server()
        port = self.url.rsplit(":", 1)[1]
        self.net("fail", "delay", "--operation", "CreateASSessionWithQoSSubscription", "--delay", "3s", "--count", "200")
        asking = subprocess.Popen([harness.LOBO, "nrm", "adaptation", "create", *self.ues(), "--qos", "xr-silver",
                                   "--notify", "http://127.0.0.1:9/x", "--server", self.url],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(asking.wait)
        self.until(lambda: len(self.reservations()) >= UES // 3, True)
        self.server.signal(harness.SIGKILL)
        self.server.wait()
        self.net("fail", "clear")
        self.start_server(port=port)
        self.assertNotEqual(asking.wait(harness.PATIENCE), 0)
        # Nobody was told of it, and it is not lost: the list has it, with one reservation for each UE.
        wanted = sorted(f"m{i}" for i in range(UES))
        self.until(self.at_core, wanted, patience=60)
        listed = json.loads(self.adaptation("list", "-o", "json"))
        self.assertEqual(len(listed), 1)
        self.until(lambda: json.loads(self.adaptation("list", "-o", "json"))[0]["adaptation"]["adaptState"]["ues"]
                   ["confirmed"], UES, patience=60)
        # What was in doubt after the kill is looked for again ten seconds later: longer than an answer may take, and
        # 504 says that the release goes on.
        path = f"/ss-nra/v1/network-resource-adaptations/{listed[0]['adaptationId']}"
        self.until(lambda: self.ask("DELETE", path).status in (204, 404), True, patience=60)
        self.until(self.at_core, [], patience=40)

    def test_a_group_is_followed_when_the_configuration_is_read_again(self):
        group = "  groups:\n    - {{val_group: crew, val_ues: [{}]}}\n"
        self.start_server(more=group.format("m0, m1"))
        sink = self.start_listener()
        made = json.loads(self.adaptation("create", "--group", "crew", "--qos", "xr-silver", "--notify",
                                          sink + "/events", "-o", "json"))
        self.assertEqual(self.results(made), {"m0": "CONFIRMED", "m1": "CONFIRMED"})
        self.server_config(more=group.format("m1, m2"))
        self.server.signal(harness.SIGHUP)
        told = []
        while len(told) < 2:
            for event in json.loads(self.listener.line())["eventNotifs"]:
                told.append((event["event"], event["valTgtUe"]["valUeId"]))
        self.assertEqual(sorted(told), [("UE_ADDED", "m2"), ("UE_REMOVED", "m0")])
        self.assertEqual(self.at_core(), ["m1", "m2"])
        self.server_config(more="  groups:\n    - {val_group: crew}\n")
        self.server.signal(harness.SIGHUP)
        self.until(self.at_core, [])
        shown = json.loads(self.adaptation("get", made["adaptationId"], "-o", "json"))
        self.assertEqual(shown["adaptation"]["adaptState"]["ues"]["total"], 0)

    def test_bad_input_is_refused_by_name(self):
        self.start_server(more="  limits: {body_bytes: 1048576}\n")
        good = {"uniQosReq": "xr-gold", "notifUri": "http://127.0.0.1:9/x"}
        many = [{"valUeId": f"x{i}"} for i in range(10001)]
        for more, where in (({}, "/valUeIds"), ({"valUeIds": [{"valUeId": "m1"}], "valGroupId": "crew"}, "/valGroupId"),
                            ({"valUeIds": [{"valUeId": "m1"}, {"valUeId": "m1"}]}, "/valUeIds/1/valUeId"),
                            ({"valUeIds": []}, "/valUeIds"), ({"valUeIds": many}, "/valUeIds"),
                            ({"valUeIds": [{}]}, "/valUeIds/0")):
            answer = self.ask("POST", "/ss-nra/v1/network-resource-adaptations", body={**good, **more})
            self.assertEqual(answer.status, 400, answer.text)
            self.assertEqual(answer.json["invalidParams"][0]["param"], where)
        unknown = self.ask("POST", "/ss-nra/v1/network-resource-adaptations", body={**good, "valGroupId": "ghosts"})
        self.assertEqual((unknown.status, unknown.json["cause"]), (404, "GROUP_NOT_FOUND"))


if __name__ == "__main__":
    harness.main()
