"""kill -9 of the network under load: the server stays up and tells the truth, and when the network is
back with nothing of what it held, so do the resources."""

import json
import threading

import harness

COLLECTION = "/ss-nra/v1/unicast-subscriptions"
FEATURES = "70000000001"


class NetworkLost(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_network()
        self.start_server()
        self.sink = self.start_listener()

    def post(self, ue):
        return self.ask("POST", COLLECTION, body={
            "valTgtUe": {"valUeId": ue}, "uniQosReq": "xr-silver", "notifUri": self.sink + "/events",
            "suppFeat": FEATURES})

    def kill_network(self):
        self.network.signal(harness.SIGKILL)
        self.network.wait()

    def metric(self, name):
        text = harness.ask(self.admin_url + "/metrics").text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def ready(self):
        return harness.ask(self.admin_url + "/status/ready").status

    def test_a_network_killed_under_load_costs_refusals_and_neither_the_server_nor_what_it_holds(self):
        kept = [self.post(ue).headers["location"].rsplit("/", 1)[1] for ue in ("ue1", "ue2")]
        answers, ended = [], threading.Event()

        def load():
            while not ended.is_set():
                answers.append(self.post("ue3").status)

        clients = [threading.Thread(target=load) for _ in range(4)]
        for client in clients:
            client.start()
        try:
            self.until(lambda: len(answers) > 10, True)
            self.kill_network()
            failed = len(answers)
            self.until(lambda: len(answers) > failed + 20, True, patience=60)
        finally:
            ended.set()
            for client in clients:
                client.join()
        # Refused by admission, or nobody there; never an answer of success without the network.
        self.assertLessEqual(set(answers), {201, 403, 429, 503, 504})
        self.assertTrue({503, 504} & set(answers[-4:]), answers[-8:])
        self.assertGreaterEqual(self.metric("lobo_network_breaker_opened_total"), 1)
        # It reads, it is alive, and it does not call itself unable to serve for what is not its own.
        self.assertEqual(self.ready(), 200)
        listed = {one["uniSubId"] for one in json.loads(self.nrm("list", "-o", "json"))}
        self.assertLessEqual(set(kept), listed)
        refused = self.post("ue1")
        self.assertEqual(refused.status, 503)
        self.assertIn("NETWORK", refused.json["cause"])
        self.assertGreaterEqual(int(refused.headers["retry-after"]), 1)
        # The network is back, at the same place: the next one is made as if nothing had been.
        self.start_network(port=int(self.net_url.rsplit(":", 1)[1]))
        self.until(lambda: self.post("ue3").status, 201, patience=90)


if __name__ == "__main__":
    harness.main()
