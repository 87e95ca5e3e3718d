"""VAL groups of a group management server: who joins there joins a live adaptation and a live monitor."""

import json

import harness


class Group(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_network("  groups:\n    - {val_group: crew, val_ues: [ue1]}\n")
        self.start_server(more=f"  group_management: {{uri: {self.net_url}, refresh: 1s}}\n")

    def adaptation(self, *words):
        return self.lobo("nrm", "adaptation", *words, "--server", self.url)

    def monitor(self, *words):
        return self.lobo("nrm", "monitor", *words, "--server", self.url)

    def served(self):
        return sorted(one["ue"] for one in self.reservations() if one["asked"] == "xr-silver")

    def counted(self, name):
        text = harness.ask(self.admin_url + "/metrics").text
        return [float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)]

    def adapt(self):
        return json.loads(self.adaptation("create", "--group", "crew", "--qos", "xr-silver", "--notify",
                                          "http://127.0.0.1:9/x", "-o", "json"))["adaptationId"]

    def test_a_member_that_is_added_appears_in_a_live_adaptation_and_a_live_monitor(self):
        sink = self.start_listener()
        made = self.adapt()
        self.monitor("create", "--group", "crew", "--measure", "DL_DELAY", "--window", "1s", "--period", "2s",
                     "--per-ue", "--notify", sink + "/events")
        reported = lambda: [one["valUe"]["valUeId"] for one in json.loads(self.listener.line(20)).get("ueReports", [])]
        self.until(reported, ["ue1"])
        self.assertEqual(self.served(), ["ue1"])
        self.net("group", "add", "crew", "ue3")
        self.until(self.served, ["ue1", "ue3"])
        self.until(reported, ["ue1", "ue3"])
        self.net("group", "remove", "crew", "ue1")
        self.until(self.served, ["ue3"])
        self.until(reported, ["ue3"])
        self.adaptation("delete", made)

    def test_a_server_that_is_away_keeps_who_was_there_and_says_so(self):
        self.adapt()
        self.net("fail", "status", "--status", "503", "--operation", "RetrieveValGroupDocs", "--count", "1000")
        self.net("group", "add", "crew", "ue3")
        self.until(lambda: self.counted("lobo_groups_stale"), [1.0])
        self.assertEqual(self.served(), ["ue1"])
        self.assertIn("group_server_away", (self.folder / "serve.log").read_text())
        unknown = self.ask("POST", "/ss-nra/v1/network-resource-adaptations",
                           body={"uniQosReq": "xr-silver", "valGroupId": "others", "notifUri": "http://127.0.0.1:9/x"})
        self.assertEqual((unknown.status, unknown.json["cause"]), (503, "GROUP_MANAGEMENT_UNAVAILABLE"))
        self.net("fail", "clear")
        self.until(self.served, ["ue1", "ue3"], patience=60)
        self.until(lambda: self.counted("lobo_groups_stale"), [0.0], patience=60)

    def test_the_hand_on_the_group_server_shows_what_it_did(self):
        self.assertIn("ue3", self.net("group", "add", "crew", "ue3"))
        self.net("group", "add", "staff", "ann", "--user")
        shown = json.loads(self.net("list", "groups", "-o", "json"))
        self.assertEqual([one["group"] for one in shown], ["crew", "staff"])
        refused = self.run_lobo("net", "group", "remove", "crew", "nobody", "--server", self.net_url)
        self.assertNotEqual(refused.returncode, 0)


if __name__ == "__main__":
    harness.main()
