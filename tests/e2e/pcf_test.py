"""A promise over N5: BSF look-up and Npcf_PolicyAuthorization between real processes, over h2c."""

import json
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


class Pcf(harness.Case):
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


if __name__ == "__main__":
    harness.main()
