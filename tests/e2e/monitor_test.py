"""QoS monitoring with real processes: a threshold crossed by a degraded link is told, also after kill -9."""

import json

import harness

MORE = ("  groups:\n    - val_group: crew\n      val_ues: [ue1, ue2]\n"
        "  monitoring:\n    streams:\n      - {id: cam, from: ue1, to: ue2}\n")


class Monitor(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_network()
        self.start_server(more=MORE)

    def monitor(self, *words, exit_code=0):
        return self.lobo("nrm", "monitor", *words, "--server", self.url, exit_code=exit_code)

    def shown(self, made):
        return json.loads(self.monitor("get", made, "-o", "json"))["subscription"]

    def flow(self, made):
        return self.shown(made)["monState"]["measures"][0]["state"]

    def subscribe(self, sink, *words):
        text = self.monitor("create", "--notify", sink + "/events", "-o", "json", *words)
        return json.loads(text)["subscriptionId"]

    def restart(self):
        port = self.url.rsplit(":", 1)[1]
        self.server.signal(harness.SIGKILL)
        self.server.wait()
        self.start_server(port=port, more=MORE)

    def test_a_threshold_crossed_by_a_degraded_link_is_told_before_and_after_kill_9(self):
        sink = self.start_listener()
        made = self.subscribe(sink, "--ue", "ue1", "--measure", "DL_DELAY", "--window", "1s",
                              "--threshold", "dlDelay:60:CROSSED")
        self.until(lambda: self.flow(made), "flowing")
        self.net("degrade", "ue1", "--delay", "90ms")
        up = json.loads(self.listener.line(20))
        self.assertGreater(up["measData"]["dlDelay"], 60)
        self.assertEqual((up["seq"], up["subscriptionId"]), (1, made))
        self.restart()
        self.until(lambda: self.flow(made), "flowing")
        self.net("restore", "ue1")
        down = json.loads(self.listener.line(20))
        if down["seq"] == 1:  # told at least once: the server died before it knew that it had been taken
            self.assertEqual(down, up)
            down = json.loads(self.listener.line(20))
        self.assertLess(down["measData"]["dlDelay"], 60)
        self.assertEqual(down["seq"], 2)
        self.assertIn("gapSec", down)
        self.monitor("delete", made)
        self.until(self.reservations, [])

    def test_a_group_ends_by_count_with_its_cause_and_leaves_nothing_behind(self):
        sink = self.start_listener()
        self.subscribe(sink, "--group", "crew", "--measure", "DL_DELAY", "AVG_PLR", "--window", "1s",
                       "--period", "2s", "--count", "2", "--per-ue")
        told = [json.loads(self.listener.line(20)) for _ in range(2)]
        self.assertEqual(told[1]["terminationCause"], "NUM_REPORTS_REACHED")
        self.assertEqual(told[1]["valGroupId"], "crew")
        self.assertEqual(len(told[1]["ueReports"]), 2)
        self.until(self.reservations, [])
        self.assertEqual(json.loads(self.monitor("list", "-o", "json")), [])

    def test_once_and_watch_show_how_it_is(self):
        now = json.loads(self.monitor("once", "--ue", "ue1", "--measure", "RT_DELAY", "-o", "json"))
        self.assertGreater(now["measData"]["rtDelay"], 0)
        watching = self.start("nrm", "monitor", "watch", "--stream", "cam", "--measure", "DL_DELAY", "--window", "1s",
                              "--period", "2s", "--count", "2", "--server", self.url, "-o", "json")
        reports = [json.loads(watching.line(20)) for _ in range(2)]
        self.assertEqual(reports[1]["valStreamIds"], ["cam"])
        self.assertEqual(watching.wait(), 0)

    def test_watch_goes_on_until_it_is_ended_and_a_subscription_without_an_end_for_five_minutes(self):
        sink = self.start_listener()
        made = self.subscribe(sink, "--ue", "ue1", "--measure", "DL_DELAY")
        self.assertEqual(self.shown(made)["reportReqs"]["expirationTimer"], 300)
        self.monitor("delete", made)
        watching = self.start("nrm", "monitor", "watch", "--ue", "ue1", "--measure", "DL_DELAY", "--window", "1s",
                              "--period", "2s", "--server", self.url, "-o", "json")
        watching.line(20)
        listed = json.loads(self.monitor("list", "-o", "json"))
        self.assertEqual([one["subscription"]["reportReqs"]["expirationTimer"] for one in listed], [7 * 24 * 3600])
        watching.signal(harness.SIGKILL)
        watching.wait()

    def test_what_cannot_be_is_refused_by_name(self):
        refused = self.run_lobo("nrm", "monitor", "create", "--ue", "ue1", "--measure", "DL_DELAY", "--threshold",
                                "ulDelay:5:CROSSED", "--notify", "http://127.0.0.1:9/x", "--server", self.url)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("/reportReqs/reportingThrs/0/measThrValues/ulDelay", refused.stderr)


if __name__ == "__main__":
    harness.main()
