"""What a client may have and ask for, over real sockets; one client's excess is not another's."""

import harness
from security_test import TOKENS, Security

COLLECTION = "/ss-nra/v1/unicast-subscriptions"


class Quotas(Security):
    def start_with(self, quotas):
        self.start_server(auth=TOKENS.format(pki=self.pki), more=f"  quotas: {{{quotas}}}\n")
        self.bearer = {name: {"authorization": "Bearer " + self.token(name).read_text().strip()}
                       for name in ("app1", "app2")}

    def create_as(self, client, ue="ue1"):
        body = {"valTgtUe": {"valUeId": ue}, "uniQosReq": "xr-silver", "notifUri": "http://127.0.0.1:9/x"}
        return self.ask("POST", COLLECTION, self.bearer[client], body)

    def test_beyond_the_number_of_resources_nothing_more_is_made_and_a_release_makes_room(self):
        self.start_with("resources_per_client: 2")
        made = [self.create_as("app1") for _ in range(2)]
        self.assertEqual([one.status for one in made], [201, 201])
        refused = self.create_as("app1")
        self.assertEqual((refused.status, refused.media_type), (429, "application/problem+json"))
        self.assertGreaterEqual(int(refused.headers["retry-after"]), 1)
        self.assertEqual(len(self.reservations()), 2)
        self.assertEqual(self.create_as("app2").status, 201)
        # What is there can still be read, changed and released.
        path = COLLECTION + "/" + made[0].headers["location"].rsplit("/", 1)[1]
        self.assertEqual(self.ask("GET", path, self.bearer["app1"]).status, 200)
        patch = {**self.bearer["app1"], "content-type": "application/merge-patch+json"}
        self.assertEqual(self.ask("PATCH", path, patch, {"uniQosReq": "xr-gold"}).status, 200)
        self.assertEqual(self.ask("DELETE", path, self.bearer["app1"]).status, 204)
        self.assertEqual(self.create_as("app1").status, 201)

    def test_beyond_the_rate_of_requests_a_client_waits_and_others_do_not(self):
        self.start_with("requests_per_second: 0.01, burst: 3")
        self.assertEqual([self.ask("GET", COLLECTION, self.bearer["app1"]).status for _ in range(3)], [200] * 3)
        refused = self.create_as("app1")
        self.assertEqual((refused.status, refused.json["cause"]), (429, "NF_CONGESTION_RISK"))
        self.assertTrue(1 <= int(refused.headers["retry-after"]) <= 101, refused.headers["retry-after"])
        self.assertEqual(self.reservations(), [])
        self.assertEqual(self.create_as("app2").status, 201)

    def test_a_client_at_its_rate_still_hears_of_the_network(self):
        self.start_with("requests_per_second: 0.01, burst: 1")
        sink = self.start_listener()
        self.credentials = ("--token-file", self.folder / "app1.token")
        self.create("ue1", notify=sink + "/events")
        self.nrm("list", exit_code=1)
        self.net("degrade", "ue1", "--loss", "5")
        self.assertIn("QOS_NOT_GUARANTEED", self.listener.line())


if __name__ == "__main__":
    harness.main()
