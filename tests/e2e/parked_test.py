"""A sink that stays away until its notifications are given up: they are shown, the gap in the numbers
stays visible, and each is sent again with the number it had."""

import json

import harness


class Parked(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_network()
        self.start_server()
        self.sink = self.start_listener()

    def parked(self):
        answer = harness.ask(self.admin_url + "/admin/parked-notifications")
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json["parked"]

    def resend(self, number):
        return harness.ask(f"{self.admin_url}/admin/parked-notifications/{number}/resend", "POST").status

    def next_event(self):
        event = json.loads(self.listener.line())["eventNotifs"][0]
        return event["event"], event["seq"]

    def test_what_was_given_up_survives_kill_9_and_is_resent_and_the_gap_is_seen_until_then(self):
        made = self.create("ue1", notify=self.sink + "/events")["uniSubId"]
        self.net("degrade", "ue1", "--loss", "5")
        self.assertEqual(self.next_event(), ("QOS_NOT_GUARANTEED", 1))
        # The sink goes away, for longer than it is tried: about twenty seconds.
        self.listener.end()
        self.net("restore", "ue1")
        self.until(lambda: len(self.parked()), 1, patience=90)
        parked = self.parked()
        self.assertEqual([(one["subscription"], one["seq"], one["notifUri"]) for one in parked],
                         [({"kind": "unicast", "id": made}, 2, self.sink + "/events")])
        self.assertEqual(parked[0]["notification"]["eventNotifs"][0]["event"], "QOS_GUARANTEED")
        self.server.signal(harness.SIGKILL)
        self.server.wait()
        self.start_server(port=self.url.rsplit(":", 1)[1])
        self.assertEqual(self.parked(), parked)
        # The sink is back: what comes next arrives, and the gap in the numbers stays visible.
        self.listener = self.start("nrm", "listen", "--port", self.sink.rsplit(":", 1)[1], "-o", "json")
        self.listener.ready()
        self.net("degrade", "ue1", "--loss", "5")
        self.assertEqual(self.next_event(), ("QOS_NOT_GUARANTEED", 3))
        self.assertEqual(self.parked(), parked)
        # Sent again, it fills the gap with its own number; once.
        self.assertEqual(self.resend(parked[0]["id"]), 202)
        self.assertEqual(self.next_event(), ("QOS_GUARANTEED", 2))
        self.until(self.parked, [])
        self.assertEqual(self.resend(parked[0]["id"]), 404)


if __name__ == "__main__":
    harness.main()
