"""A promise over N5: BSF look-up and Npcf_PolicyAuthorization between real processes, over h2c."""

import json
import re
import subprocess

import harness

SERVER = """
nrm:
  server:
    - {{address: 127.0.0.1, port: {port}}}
  metrics:
    server:
      - {{address: 127.0.0.1, port: 0}}
  store:
    path: {folder}/store.sqlite
  auth:
    mode: "off"
  core:
    type: pcf
{core}
  ues:
    - {{val_ue: ue1, gpsi: msisdn-491700000001, address: {ue1}}}
    - {{val_ue: ue2, gpsi: msisdn-491700000002, address: "2001:db8:45::2"}}
    - {{val_ue: ue3, gpsi: msisdn-491700000003, address: 10.45.0.4}}
  qos_references: [xr-gold, xr-silver]
  sinks:
    allow: [127.0.0.0/8]
    https_only: false
"""


class N5(harness.Case):
    def config(self, port=0, core="", ue1="10.45.0.2"):
        core = core or f"    bsf: {self.net_url}\n    pcf_hosts: [127.0.0.1]"
        return self.write("server.yaml", SERVER.format(port=port, folder=self.folder, core=core, ue1=ue1))

    def serve(self, **options):
        self.server = self.start("serve", "-c", self.config(**options))
        self.url, self.admin_url = self.server.ready()[:2]

    def restart(self):
        port = self.url.rsplit(":", 1)[1]
        self.server.signal(harness.SIGKILL)
        self.server.wait()
        self.serve(port=port)

    def journal(self):
        return [one["path"].split("?")[0] for one in
                harness.ask(self.net_url + "/netsim-control/v1/journal").json["entries"]]

    def life(self):
        sink = self.start_listener()
        made = self.create("ue1", notify=sink + "/events")
        self.assertEqual(made["subscription"]["uniQosState"]["controlPlane"], "simulated")
        self.assertEqual(made["subscription"]["uniQosState"]["network"], "pcf")
        self.assertEqual([one["asked"] for one in self.reservations()], ["xr-gold"])
        self.nrm("modify", made["uniSubId"], "--qos", "xr-silver")
        self.assertEqual([one["asked"] for one in self.reservations()], ["xr-silver"])
        told = lambda: json.loads(self.listener.line(20))["eventNotifs"][0]["event"]
        self.net("degrade", "ue1", "--rate-dl", "1 Mbps")
        self.assertEqual(told(), "QOS_NOT_GUARANTEED")
        self.net("restore", "ue1")
        self.assertEqual(told(), "QOS_GUARANTEED")
        self.nrm("delete", made["uniSubId"])
        self.until(self.reservations, [])


class Pcf(N5):
    def test_the_life_of_a_promise_at_a_pcf_that_the_bsf_names(self):
        self.start_network()
        self.serve()
        self.life()
        paths = self.journal()
        self.assertIn("/nbsf-management/v1/pcfBindings", paths)
        self.assertFalse([path for path in paths if path.startswith("/3gpp")], "no NEF is asked")

    def test_the_life_of_a_promise_at_one_pcf_for_all(self):
        self.start_network()
        self.serve(core=f"    pcf: {self.net_url}")
        self.life()
        self.assertNotIn("/nbsf-management/v1/pcfBindings", self.journal())

    def test_a_pcf_as_they_are_serves_ipv6_and_refuses_with_an_offer(self):
        self.start_network("  pcf: {patch_replaces: true, no_get: true, silent: true, plain_404_on_create: true}\n")
        self.serve()
        made = [self.create(ue)["uniSubId"] for ue in ("ue1", "ue2")]
        self.nrm("create", "--ue", "ue3", "--qos", "xr-gold", "--notify", "http://127.0.0.1:9/x", exit_code=1)
        self.assertIn("403", self.last_error)
        self.nrm("modify", made[0], "--qos", "xr-silver")
        self.net("detach", "ue1")
        self.until(lambda: json.loads(self.nrm("get", made[0], "-o", "json"))
                   ["subscription"]["uniQosState"]["controlPlane"], "refused")
        self.nrm("create", "--ue", "ue1", "--qos", "xr-silver", "--notify", "http://127.0.0.1:9/x", exit_code=1)
        self.assertIn("UE_NOT_CONNECTED", self.last_error)
        for one in made:
            self.nrm("delete", one)
        self.until(self.reservations, [])

    def test_a_create_cut_off_by_kill_9_is_released_when_the_pcf_calls_back(self):
        self.start_network("  behaviour: {allocation_delay: 3s}\n")
        self.serve()
        self.net("fail", "never-answer", "--operation", "PostAppSessions")
        asking = subprocess.Popen([harness.LOBO, "nrm", "unicast", "create", "--ue", "ue1", "--qos", "xr-gold",
                                   "--notify", "http://127.0.0.1:9/x", "--server", self.url],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(asking.wait)
        self.until(lambda: len(self.reservations()), 1)
        self.restart()
        self.assertNotEqual(asking.wait(harness.PATIENCE), 0)
        self.until(self.reservations, [], patience=40)
        self.until(lambda: json.loads(self.nrm("list", "-o", "json")), [], patience=40)

    def test_another_address_is_taken_over_at_sighup_and_the_promise_follows(self):
        self.start_network()
        self.serve()
        made = self.create("ue1")["uniSubId"]
        self.net("address", "ue1", "--ipv4", "10.45.0.99")
        self.until(self.reservations, [])
        self.config(port=self.url.rsplit(":", 1)[1], ue1="10.45.0.99")
        self.server.signal(harness.SIGHUP)
        self.until(lambda: [one["ue"] for one in self.reservations()], ["ue1"])
        self.until(lambda: json.loads(self.nrm("get", made, "-o", "json"))
                   ["subscription"]["uniQosState"]["controlPlane"], "simulated")


class BothDoors(N5):
    """A NEF beside the PCF: netsim is PCF, BSF and NEF."""

    MORE = "  groups:\n    - {val_group: crew, val_ues: [ue1, ue2]}\n"

    def config(self, port=0, core="", ue1="10.45.0.2"):
        core = core or (f"    bsf: {self.net_url}\n    pcf_hosts: [127.0.0.1]\n"
                        f"    nef: {{uri: {self.net_url}}}")
        text = SERVER.format(port=port, folder=self.folder, core=core, ue1=ue1)
        return self.write("server.yaml", re.sub(r", address: [^}]*", "", text) + self.MORE)

    def start_network(self, more="", **options):
        super().start_network("  bdt_references: [night]\n" + more, **options)

    def monitor(self, *words, exit_code=0):
        return self.lobo("nrm", "monitor", *words, "--server", self.url, exit_code=exit_code)

    def adaptation(self, *words):
        return self.lobo("nrm", "adaptation", *words, "--server", self.url)

    def test_monitors_policies_and_adaptations_work_with_a_pcf_and_a_nef(self):
        self.start_network()
        self.serve()
        sink = self.start_listener()
        made = json.loads(self.adaptation("create", "--group", "crew", "--qos", "xr-silver", "--bdt", "night",
                                          "--notify", "http://127.0.0.1:9/x", "-o", "json"))
        results = [(one["result"], one["bdtResult"]) for one in made["adaptation"]["ueResults"]]
        self.assertEqual(results, [("CONFIRMED", "CONFIRMED")] * 2)
        monitor = json.loads(self.monitor("create", "--group", "crew", "--measure", "DL_DELAY", "AVG_PLR", "--window",
                                          "1s", "--period", "2s", "--per-ue", "--notify", sink + "/events",
                                          "-o", "json"))["subscriptionId"]
        self.until(lambda: len(json.loads(self.listener.line(20)).get("ueReports", [])), 2)
        paths = self.journal()
        for path in ("/nbsf-management/v1/pcfBindings", "/npcf-policyauthorization/v1/app-sessions",
                     "/3gpp-monitoring-event/v1/lobodon/subscriptions", "/3gpp-applying-bdt-policy/v1/lobodon/subscriptions",
                     "/3gpp-analyticsexposure/v1/lobodon/subscriptions"):
            self.assertIn(path, paths)
        # The NEF tells that the UE moved; the configuration names no address at all.
        self.net("address", "ue1", "--ipv4", "10.45.0.99")
        asked = lambda: [one["ue"] for one in self.reservations() if one["asked"] == "xr-silver"]
        self.until(lambda: sorted(asked()), ["ue1", "ue2"])
        self.monitor("delete", monitor)
        self.adaptation("delete", made["adaptationId"])
        self.until(self.reservations, [])

    def test_the_capabilities_tell_both_doors(self):
        self.start_network()
        self.serve()
        shown = harness.ask(self.admin_url + "/status/capabilities").json
        self.assertEqual((shown["core"], shown["nef"]), ("pcf", True))


class NoNef(N5):
    def test_what_needs_a_nef_is_refused_clearly_and_nobody_is_asked(self):
        self.start_network()
        self.serve()
        refused = self.run_lobo("nrm", "monitor", "create", "--ue", "ue1", "--measure", "DL_DELAY", "--window", "1s",
                                "--period", "2s", "--notify", "http://127.0.0.1:9/x", "--server", self.url)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("501", refused.stderr)
        self.assertIn("NEF_NOT_CONFIGURED", refused.stderr)
        self.assertEqual(self.journal(), [])
        self.assertFalse(harness.ask(self.admin_url + "/status/capabilities").json["nef"])


if __name__ == "__main__":
    harness.main()
