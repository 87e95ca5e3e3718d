"""Running the server: its ends, its reloads, its administration, its refusals to start."""

import json
import urllib.request

import harness


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


class Operation(harness.Case):
    def test_sigterm_ends_both_processes_cleanly(self):
        self.start_network()
        self.start_server()
        for process in (self.server, self.network):
            process.signal(harness.SIGTERM)
            self.assertEqual(process.wait(), 0)

    def test_sighup_takes_over_new_services_and_keeps_the_old_on_a_broken_file(self):
        self.start_network()
        self.start_server()
        self.nrm("create", "--ue", "ue1", "--qos", "vr", "--notify", "http://127.0.0.1:9/x", exit_code=1)
        self.server_config(more="  val_services:\n    vr: {qosReference: xr-gold}\n")
        self.server.signal(harness.SIGHUP)
        self.until(lambda: "configuration_reloaded" in self.log(), True)
        self.create("ue1", qos="vr")
        self.server_config(more="  val_servces: {}\n")
        self.server.signal(harness.SIGHUP)
        self.until(lambda: "configuration_not_reloaded" in self.log(), True)
        self.create("ue2", qos="vr")

    def log(self):
        return (self.folder / "serve.log").read_text()

    def test_administration_shows_metrics_health_readiness_and_capabilities(self):
        self.start_network()
        self.start_server()
        self.create("ue1")
        self.assertIn('lobo_http_requests_total{', get(self.admin_url + "/metrics"))
        self.assertEqual(json.loads(get(self.admin_url + "/status/health"))["status"], "alive")
        self.assertEqual(json.loads(get(self.admin_url + "/status/ready"))["status"], "ready")
        capabilities = json.loads(get(self.admin_url + "/status/capabilities"))
        self.assertEqual(capabilities["network"], "simulated")
        self.assertEqual(len(capabilities["flows"]), 71)
        self.assertIn("CreateUnicastSubscription", [one["id"] for one in capabilities["operations"]])
        self.assertEqual(json.loads(get(self.admin_url + "/admin/parked-notifications"))["parked"], [])

    def test_no_authentication_beyond_loopback_is_refused_before_anything_is_bound(self):
        self.start_network()
        text = self.server_config().read_text().replace("127.0.0.1, port: 0}", "0.0.0.0, port: 0}", 1)
        self.lobo("serve", "-c", self.write("open.yaml", text), exit_code=3)
        self.assertIn("loopback", self.last_error)

    def test_an_unknown_key_stops_the_start_with_its_line(self):
        self.start_network()
        self.lobo("serve", "-c", self.server_config(more="  quota: {burst: 3}\n"), exit_code=3)
        self.assertIn("did you mean 'quotas'?", self.last_error)

    def test_a_network_that_cuts_its_answers_costs_a_failed_create_and_leaves_nothing(self):
        self.start_network()
        self.start_server()
        for kind in ("refuse", "close-midway"):
            self.net("fail", kind, "--operation", "CreateASSessionWithQoSSubscription", "--count", "100")
            self.nrm("create", "--ue", "ue1", "--qos", "xr-gold", "--notify", "http://127.0.0.1:9/x", exit_code=4)
            self.net("fail", "clear")
            self.until(self.reservations, [], patience=40)
        self.create("ue1")

    def test_two_servers_do_not_share_one_store(self):
        self.start_network()
        self.start_server()
        self.lobo("serve", "-c", self.server_config(), exit_code=1)
        self.assertIn("has this store open", self.last_error)


if __name__ == "__main__":
    harness.main()
