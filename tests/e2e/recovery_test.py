"""kill -9 loses nothing that was acknowledged, and leaves nothing at the core that was not."""

import json
import subprocess

import harness


class Recovery(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_network()
        self.start_server()

    def restart(self):
        port = self.url.rsplit(":", 1)[1]
        self.server.signal(harness.SIGKILL)
        self.server.wait()
        self.start_server(port=port)

    def test_what_was_acknowledged_is_there_after_kill_9_with_one_reservation_each(self):
        made = [self.create(ue, qos="xr-silver")["uniSubId"] for ue in ("ue1", "ue2", "ue3")]
        self.restart()
        listed = json.loads(self.nrm("list", "-o", "json"))
        self.assertEqual(sorted(one["uniSubId"] for one in listed), sorted(made))
        self.assertEqual(sorted(one["ue"] for one in self.reservations()), ["ue1", "ue2", "ue3"])
        for one in made:
            self.nrm("delete", one)
        self.until(self.reservations, [])

    def test_a_create_cut_off_in_the_middle_leaves_nothing_at_the_core(self):
        self.net("fail", "never-answer", "--operation", "CreateASSessionWithQoSSubscription")
        asking = subprocess.Popen([harness.LOBO, "nrm", "unicast", "create", "--ue", "ue1", "--qos", "xr-gold",
                                   "--notify", "http://127.0.0.1:9/x", "--server", self.url],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(asking.wait)
        self.until(lambda: len(self.reservations()), 1)
        self.restart()
        self.assertNotEqual(asking.wait(harness.PATIENCE), 0)
        self.until(self.reservations, [], patience=40)
        self.assertEqual(json.loads(self.nrm("list", "-o", "json")), [])

    def test_a_network_that_lost_everything_is_asked_for_it_again(self):
        sink = self.start_listener()
        self.server.end()
        self.start_server(more="  audit: {interval: 10s, pause: 10ms}\n")
        made = self.create("ue1", notify=sink + "/events")["uniSubId"]
        port = self.net_url.rsplit(":", 1)[1]
        self.network.signal(harness.SIGKILL)
        self.network.wait()
        self.network = self.start("netsim", "-c", self.write("network.yaml", self.NETWORK.replace(
            "port: 0", f"port: {port}")))
        self.network.ready()
        told = [json.loads(self.listener.line(60))["eventNotifs"][0] for _ in range(2)]
        self.assertEqual([(one["event"], one["cause"]) for one in told],
                         [("QOS_NOT_GUARANTEED", "SESSION_LOST"), ("QOS_GUARANTEED", "SESSION_RESTORED")])
        self.assertEqual([one["ue"] for one in self.reservations()], ["ue1"])
        self.nrm("delete", made)
        self.until(self.reservations, [])

    def test_a_notification_that_was_not_delivered_survives_kill_9(self):
        sink = self.start_listener()
        port = sink.rsplit(":", 1)[1]
        self.create("ue1", notify=sink + "/events")
        self.listener.end()
        self.net("degrade", "ue1", "--loss", "5")
        self.until(lambda: "degraded" in self.nrm("list"), True)
        self.restart()
        self.listener = self.start("nrm", "listen", "--port", port, "-o", "json")
        self.listener.ready()
        news = json.loads(self.listener.line())["eventNotifs"][0]
        self.assertEqual((news["event"], news["seq"]), ("QOS_NOT_GUARANTEED", 1))


if __name__ == "__main__":
    harness.main()
