#!/usr/bin/env python3
"""`lobo energy agent` and `lobo energy steer` as processes: an AF of Python on E3, a machine made of files, and
what a player would ask."""

import http.server
import json
import pathlib
import queue
import shutil
import threading
import time

import harness

RANGE = 262143328850


class Af(http.server.BaseHTTPRequestHandler):
    """Takes every report; tells the configuration that it has at the moment."""
    protocol_version = "HTTP/1.1"
    reports = None
    desired = "ACTIVE"
    fail_next = 0

    def configuration(self):
        return {"configurationId": "c", "revision": "1", "scope": "SERVICE_LOCATION", "reportingInterval": 1,
                "samplingPeriod": 1, "minReportSpacing": 1, "reportValidityTime": 3, "desiredState": type(self).desired}

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers["content-length"])))

    def do_PUT(self):
        said = self.body()
        self.answer(201, {**said, "asInstanceId": self.path.rsplit("/", 1)[1], "configuration": self.configuration(),
                          "reporting": {name: 0 for name in ("reports", "repeated", "reordered", "resets", "lost",
                                                             "implausible")} | {"known": False}})

    def do_POST(self):
        said = self.body()
        if type(self).fail_next > 0:
            type(self).fail_next -= 1
            type(self).failed.put(said)
            return self.answer(503, {})
        for report in said["reports"]:
            type(self).reports.put(report)
        self.answer(200, {"accepted": len(said["reports"]), "repeated": 0, "implausible": 0,
                          "configuration": self.configuration()})

    def log_message(self, *_):
        pass


class Energy(harness.Case):
    def start_af(self):
        Af.reports, Af.failed, Af.desired, Af.fail_next = queue.Queue(), queue.Queue(), "ACTIVE", 0
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Af)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}"

    def zone(self, path, name, energy):
        folder = self.folder / "sys" / "class" / "powercap" / path
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in (("name", name), ("energy_uj", energy), ("max_energy_range_uj", RANGE)):
            fresh = folder / f".{file}"
            fresh.write_text(f"{text}\n", encoding="utf-8")
            fresh.replace(folder / file)

    def cpu(self, busy, idle):
        folder = self.folder / "proc"
        folder.mkdir(exist_ok=True)
        (folder / "stat").write_text(f"cpu  {busy} 0 0 {idle}\ncpu0 {busy} 0 0 {idle}\n", encoding="utf-8")

    def start_agent(self, more=""):
        self.cpu(0, 0)
        (self.folder / "access.log").touch()
        config = self.write("agent.yaml", f"""
energy_agent:
  as_instance_id: as1
  af: {{uri: "{self.start_af()}"}}
  locations:
    - {{id: SL1, base_urls: ["http://127.0.1.1:8080/"]}}
    - {{id: SL2, base_urls: ["http://127.0.1.2:8080/"]}}
  host:
    capacity: 10 Gbps
    model: {{idle_w: 100, max_w: 200}}
    pue: 1.2
    sys: {self.folder}/sys
    proc: {self.folder}/proc
  access_log: {self.folder}/access.log
  sampling: 200ms
{more}""")
        self.agent = self.start("energy", "agent", "-c", config)
        self.agent.ready()

    def report(self, wanted=lambda report: True):
        """The next report that is the wanted one."""
        until = time.monotonic() + harness.PATIENCE
        while True:
            report = Af.reports.get(timeout=max(0.1, until - time.monotonic()))
            if wanted(report):
                return report

    def test_an_agent_says_whose_energy_it_was(self):
        self.start_agent()
        self.report()
        with (self.folder / "access.log").open("a", encoding="utf-8") as log:
            log.write("1732300000.123 127.0.1.1 8080 200 3000000 100 127.0.1.1 /a\n" * 2)
            log.write("1732300000.123 127.0.1.2 8080 200 2000000 100 127.0.1.2 /a\n")
        report = self.report(lambda one: one["perServiceLocation"][1]["bytesTx"] > 0)
        self.assertEqual([one["bytesTx"] for one in report["perServiceLocation"]], [6000000, 2000000])
        self.assertEqual(report["host"]["method"], "MODEL_CPU")
        self.assertEqual(report["host"]["pue"], 1.2)
        self.assertAlmostEqual(sum(one["energyJ"] for one in report["perServiceLocation"]), report["host"]["energyJ"],
                               delta=1e-6 * report["host"]["energyJ"])

    def test_an_agent_measures_over_a_wrap_and_models_when_the_counter_is_gone(self):
        self.zone("intel-rapl:0", "package-0", RANGE - 5_000_000)
        self.zone("intel-rapl:0:0", "core", 1)
        self.start_agent()
        first = self.report(lambda one: one["host"]["method"] == "MEASURED_RAPL")
        self.zone("intel-rapl:0", "package-0", 20_000_000)
        after = self.report(lambda one: one["host"]["energyJ"] > first["host"]["energyJ"] + 1)
        self.assertAlmostEqual(after["host"]["energyJ"] - first["host"]["energyJ"], 25, delta=1e-6)
        shutil.rmtree(self.folder / "sys")
        self.report(lambda one: one["host"]["method"] == "MODEL_CPU")

    def test_a_report_that_was_not_taken_comes_again_as_the_same(self):
        self.start_agent()
        self.report()
        Af.fail_next = 1
        refused = Af.failed.get(timeout=harness.PATIENCE)["reports"][0]
        again = self.report(lambda one: one["sequence"] == refused["sequence"])
        self.assertEqual(again, refused)

    def test_an_agent_stands_by_by_the_operators_command_and_wakes_again(self):
        mark = self.folder / "asleep; not a shell"
        self.start_agent(f"""
  commands:
    standby: [touch, "{mark}"]
    wake: [rm, "{mark}"]
    drain_deadline: 0s
""")
        self.report(lambda one: one["host"]["state"] == "ACTIVE")
        Af.desired = "STANDBY"
        self.report(lambda one: one["host"]["state"] == "STANDBY")
        self.assertTrue(mark.exists())
        Af.desired = "ACTIVE"
        self.report(lambda one: one["host"]["state"] == "ACTIVE")
        self.assertFalse(mark.exists())

    # -- steering ------------------------------------------------------------------------------

    def plan(self, location, version):
        return json.dumps({"version": version, "validUntil": "2100-01-01T00:00:00Z", "ttl": 5,
                           "locations": [{"id": "SL1"}, {"id": "SL2"}],
                           "groups": [{"id": "all", "shares": {location: 1}}]})

    def start_steering(self, more=""):
        self.write("plan.json", self.plan("SL1", 1))
        config = self.write("steer.yaml", f"energy_steering:\n  server: {{address: 127.0.0.1, port: 0}}\n"
                                          f"  plan: plan.json\n{more}")
        process = self.start("energy", "steer", "-c", config)
        return process, process.ready()[0]

    def first_at(self, url):
        answer = harness.ask(url)
        self.assertEqual(answer.status, 200)
        return answer.json["PATHWAY-PRIORITY"][0]

    def test_a_plan_is_read_again_at_sighup_and_a_wrong_one_changes_nothing(self):
        process, url = self.start_steering()
        self.assertEqual(self.first_at(f"{url}/steer/dash"), "SL1")
        self.write("plan.json", self.plan("SL2", 2))
        process.signal(harness.SIGHUP)
        self.until(lambda: self.first_at(f"{url}/steer/dash"), "SL2")
        self.write("plan.json", self.plan("SL9", 3))
        process.signal(harness.SIGHUP)
        self.until(lambda: "plan_not_reloaded" in (self.folder / "energy.log").read_text(), True)
        self.assertEqual(self.first_at(f"{url}/steer/hls"), "SL2")

    def test_replicas_with_one_key_file_know_each_others_sessions(self):
        self.write("keys.txt", f"k1 {'5a' * 32}\n")
        _, one = self.start_steering("  keys: keys.txt\n")
        _, two = self.start_steering("  keys: keys.txt\n")
        reload = harness.ask(f"{one}/steer/dash").json["RELOAD-URI"]
        self.assertTrue(reload.startswith(f"{one}/steer/dash?t="), reload)
        answer = harness.ask(two + reload[len(one):]).json["RELOAD-URI"]
        token, again = (uri.split("?t=")[1].split(".") for uri in (reload, answer))
        self.assertEqual(again[2:4], token[2:4])  # group and session

    def test_steering_does_not_start_without_a_plan(self):
        config = self.write("steer.yaml", "energy_steering:\n  server: {address: 127.0.0.1, port: 0}\n  plan: none.json\n")
        self.lobo("energy", "steer", "-c", config, exit_code=3)
        self.assertIn("none.json", self.last_error)

    def test_a_manifest_gets_its_tags_once(self):
        source = self.write("in.mpd", "<MPD><Period/></MPD>")
        words = ["energy", "manifest", source, "--location", "SL1=http://127.0.1.1:8080/", "--location",
                 "SL2=http://127.0.1.2:8080", "--steering", "http://127.0.0.68:7777/steer/dash"]
        tagged = self.lobo(*words)
        self.assertIn('<BaseURL serviceLocation="SL2">http://127.0.1.2:8080/</BaseURL>', tagged)
        self.assertIn("http://127.0.0.68:7777/steer/dash?p=SL1,SL2</ContentSteering>", tagged)
        pathlib.Path(source).write_text(tagged, encoding="utf-8")
        self.lobo(*words, exit_code=1)
        self.assertIn("already", self.last_error)


if __name__ == "__main__":
    harness.main()
