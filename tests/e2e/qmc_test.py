#!/usr/bin/env python3
"""QoE measurement collection with real processes: a job at the simulated network's OAM, emulated UEs that play, their
reports in gzip XML by cell and OAM to the media application function, which moves who plays below the floor."""

import time

import energy_ue_test
import harness
import media_test

JOBS = "/3GPPManagement/ProvMnS/v1800/SubNetwork=netsim"
FLOOR = dict(media_test.POLICY, serviceEnergyProfile={"qoeFloor": {"minBitRate": "400 Kbps"}},
             externalReference="floor")


class SlowLocation(energy_ue_test.Location):
    """Segments come slowly enough to be below the floor, and soon enough not to stall."""

    def do_GET(self):
        time.sleep(0.2)  # 80 kbit/s
        super().do_GET()


class Qmc(energy_ue_test.EmulatedUes):
    COUNT = 5

    def setUp(self):
        super().setUp()
        self.places["SL1"].RequestHandlerClass = SlowLocation
        self.start_network()
        self.provision()
        self.made(self.session + "/energy-policies", FLOOR)
        self.metrics = self.made(self.session + "/metrics-reporting-configurations", {
            "scheme": "urn:example:reported-by-the-cell", "reportingInterval": 10, "samplingPeriod": 1,
            "metrics": ["AvgThroughput"]})
        self.register("as1", "SL1")
        self.register("as2", "SL2")
        self.report("as1", "SL1", 110)
        self.report("as2", "SL2", 110)

    def consumer(self):
        session, configuration = self.session.rsplit("/", 1)[1], self.metrics.rsplit("/", 1)[1]
        return f"{self.url}/3gpp-m5/v2/metrics-reporting/{session}/{configuration}"

    def put(self, name="job1", interval=1, consumer=None):
        return harness.ask(f"{self.net_url}{JOBS}/QMCJob={name}", "PUT", body={"attributes": {
            "serviceType": "DASH", "qoEReference": "001010000001", "areaScope": [["cell1"]],
            "qMCConfigFile": f'<QoeConfiguration reportingInterval="{interval}"/>',
            "consumerReference": consumer or self.consumer()}})

    def job(self, name="job1"):
        return harness.ask(f"{self.net_url}{JOBS}/QMCJob={name}").json["attributes"]

    def playing(self):
        ues = self.ues("--segments", "seg-%05d.m4s", "--segment", "1s", "--rate", "1 Mbps", "--policy", "floor",
                       "--cell", self.net_url, "--cell-ue", "ue1", count=self.COUNT)
        self.listening(self.COUNT)
        return ues

    def test_a_job_of_the_oam_has_ues_moved_that_play_below_the_floor(self):
        made = self.put()
        self.assertEqual(made.status, 201, made.text)
        self.assertEqual(made.headers["x-lobo-simulated"], "netsim")
        report = self.end_of(self.playing())
        self.assertGreaterEqual(self.job()["reportsCollected"], self.COUNT)
        self.assertEqual(self.job()["reportsRefused"], 0)
        steps = (self.folder / "serve.log").read_text()
        for number in ("10f", "10g", "31d", "32"):
            self.assertTrue(f" number={number} " in steps, number)
        journal = harness.ask(self.net_url + "/netsim-control/v1/journal?limit=1000").json["entries"]
        sent = [entry for entry in journal if entry.get("operation") == "QoeReport"]
        self.assertGreaterEqual(len(sent), self.COUNT)
        self.assertEqual({entry["status"] for entry in sent}, {204})
        self.assertEqual(report["at"], {"SL2": self.COUNT}, report)
        self.assertEqual(report["stalls"], 0)
        print(f"{len(sent)} reports forwarded, {report['moves']} moves")

    def test_without_a_job_nobody_reports_and_nobody_moves(self):
        report = self.end_of(self.playing())
        self.assertEqual(report["at"], {"SL1": self.COUNT}, report)
        journal = harness.ask(self.net_url + "/netsim-control/v1/journal?limit=1000").json["entries"]
        self.assertEqual([entry for entry in journal if entry.get("operation") == "QoeReport"], [])

    def test_jobs_that_cannot_be_are_refused_by_the_member(self):
        for interval in (0, -5):
            answer = self.put(interval=interval)
            self.assertEqual(answer.status, 400)
            self.assertEqual(answer.json["invalidParams"][0]["param"],
                             "/attributes/qMCConfigFile/QoeConfiguration/reportingInterval")
        self.assertEqual(self.put(consumer="nowhere").status, 400)
        self.assertEqual(harness.ask(self.net_url + JOBS).json, {"QMCJobs": []})
        self.lobo("energy", "ue", "--server", self.url, "--session", "x", "--cell", self.net_url, exit_code=2)


# What it inherits is run where it stands.
for inherited in [name for name in dir(energy_ue_test.EmulatedUes) if name.startswith("test_")]:
    setattr(Qmc, inherited, None)

if __name__ == "__main__":
    harness.main()
