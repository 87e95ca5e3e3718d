#!/usr/bin/env python3
"""`lobo energy ue` against the media application function over real HTTP: emulated UEs with real segments are led
away from a location that takes too much."""

import http.server
import json
import threading

import harness
import media_test

SEGMENT = bytes(2000)


class Location(http.server.BaseHTTPRequestHandler):
    """A service location: any segment."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append(self.path)
        self.send_response(200)
        self.send_header("content-length", str(len(SEGMENT)))
        self.end_headers()
        self.wfile.write(SEGMENT)

    def log_message(self, *_):
        pass


class EmulatedUes(media_test.MediaStage):
    COUNT = 60

    def setUp(self):
        super().setUp()
        self.places = {}
        for name, address in (("SL1", "127.0.1.1"), ("SL2", "127.0.1.2")):
            server = http.server.ThreadingHTTPServer((address, 0), Location)
            server.seen = []
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
            self.places[name] = server

    def base_url(self, name):
        address, port = self.places[name].server_address
        return f"http://{address}:{port}/"

    def provision(self):
        self.session = self.made("/3gpp-m1/v2/provisioning-sessions",
                                 {"provisioningSessionType": "DOWNLINK", "appId": "app"})
        self.made(self.session + "/content-hosting-configuration", {
            "name": "live", "ingestConfiguration": {},
            "distributionConfigurations": [
                {"entryPoint": {"relativePath": "live.mpd", "contentType": "application/dash+xml"},
                 "baseURL": self.base_url(name), "serviceLocationId": name} for name in self.places]})
        self.made(self.session + "/energy-information-exposure",
                  {"recipients": ["EIC", "APPLICATION"], "parameters": media_test.EXPOSED})
        self.policy = self.made(self.session + "/energy-policies", media_test.POLICY)

    def ues(self, *more, count=COUNT):
        process = self.start("energy", "ue", "--server", self.url, "--session", self.session.rsplit("/", 1)[1],
                             "--count", count, "--for", "14s", *more)
        process.ready()
        return process

    def end_of(self, process):
        report = json.loads(process.line(40))
        self.assertEqual(process.wait(), 0)
        return report

    def begin_hot(self):
        self.provision()
        self.register("as1", "SL1")
        self.register("as2", "SL2")
        self.report("as1", "SL1", 120)
        self.report("as2", "SL2", 110)

    def get_hot(self, watts=180):
        """The UEs are there, then their location takes more."""
        self.report("as1", "SL1", watts)
        self.report("as2", "SL2", 110)

    def listening(self, count):
        """As many have subscribed: each is a step 8 of the log."""
        log = self.folder / "serve.log"
        self.until(lambda: log.read_text().count("subscribed to energy information") >= count, True)

    def test_they_leave_a_hot_location_with_their_next_segment(self):
        self.begin_hot()
        ues = self.ues("--segments", "seg-%05d.m4s", "--segment", "1s", "--rate", "1 Mbps")
        self.listening(self.COUNT)
        self.get_hot()
        report = self.end_of(ues)
        self.assertEqual(report["at"], {"SL2": self.COUNT}, report)
        self.assertEqual(report["moves"], self.COUNT)
        self.assertEqual(report["stalls"], 0)
        for step in ("5", "6", "7", "8", "10c", "11", "12", "15", "16", "17", "18", "19", "32", "35", "35a", "35b", "35c", "35d",
                     "35e", "35f", "35g"):
            self.assertGreaterEqual(report["steps"].get(step, 0), self.COUNT, step)
        self.assertLessEqual(report["moveSeconds"]["p95"], 1.5, "a segment and half a second")
        self.assertGreater(len(self.places["SL2"].seen), self.COUNT)
        self.assertTrue(self.places["SL1"].seen[0].startswith("/seg-0000"))
        print(f"{self.COUNT} UEs moved within {report['moveSeconds']} s of the order, {report['segments']} segments")

    def test_sessions_of_rtc_switch_in_signalling(self):
        self.begin_hot()
        ues = self.ues("--kind", "rtc", count=20)
        self.listening(20)
        self.get_hot()
        report = self.end_of(ues)
        self.assertEqual(report["at"], {"SL2": 20}, report)
        self.assertEqual(report["segments"], 0)

    def test_what_is_no_option_is_told(self):
        self.lobo("energy", "ue", "--server", "nowhere", "--session", "x", exit_code=2)
        self.lobo("energy", "ue", "--server", "http://127.0.0.1:1", "--session", "x", "--battery", "2", exit_code=2)
        self.lobo("energy", "ue", "--server", "http://127.0.0.1:1", "--session", "x", "--kind", "uplink",
                  "--segments", "s%d", exit_code=2)


if __name__ == "__main__":
    harness.main()
