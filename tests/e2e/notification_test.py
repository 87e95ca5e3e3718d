"""What the network does later reaches the application, in order and in time."""

import json
import time

import harness


def event(line):
    return json.loads(line)["eventNotifs"][0]


class Notification(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_network()
        self.start_server()
        self.sink = self.start_listener()

    def test_a_degradation_and_its_end_are_told_within_a_second_and_counted_without_holes(self):
        self.create("ue1", notify=self.sink + "/events")
        begin = time.monotonic()
        self.net("degrade", "ue1", "--loss", "5", "--delay", "40ms")
        lost = event(self.listener.line())
        self.assertLess(time.monotonic() - begin, 1.0)
        self.assertEqual((lost["event"], lost["seq"]), ("QOS_NOT_GUARANTEED", 1))
        self.assertIn("degraded", self.nrm("list"))
        self.net("restore", "ue1")
        held = event(self.listener.line())
        self.assertEqual((held["event"], held["seq"]), ("QOS_GUARANTEED", 2))

    def test_the_network_ends_a_session_and_the_application_hears_of_it(self):
        self.create("ue1", notify=self.sink + "/events")
        self.net("terminate", self.reservations()[0]["id"])
        self.assertEqual(event(self.listener.line())["event"], "QOS_TERMINATED")

    def test_a_sink_that_was_away_gets_its_notification_when_it_is_back(self):
        port = self.sink.rsplit(":", 1)[1]
        self.create("ue1", notify=self.sink + "/events")
        self.listener.end()
        self.net("degrade", "ue1", "--loss", "5")
        self.until(lambda: "degraded" in self.nrm("list"), True)
        self.listener = self.start("nrm", "listen", "--port", port, "-o", "json")
        self.listener.ready()
        self.assertEqual(event(self.listener.line())["event"], "QOS_NOT_GUARANTEED")


if __name__ == "__main__":
    harness.main()
