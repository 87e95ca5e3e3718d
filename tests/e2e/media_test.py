#!/usr/bin/env python3
"""The media application function as a process: a provider, two application servers and a client over real HTTP."""

import datetime
import signal
import time
import unittest

import harness

SERVER = """
media_energy:
  server:
    - {{address: 127.0.0.1, port: 0}}
  metrics:
    server:
      - {{address: 127.0.0.1, port: 0}}
  store:
    path: {folder}/media.sqlite
  auth:
    mode: "off"
  service_locations:
    - {{id: SL1, latency_ms: 10}}
    - {{id: SL2, latency_ms: 20}}
  sinks:
    allow: [127.0.0.0/8]
    https_only: false
"""

POLICY = {
    "externalReference": "eco",
    "thresholds": [{"thresholdRef": "hot", "metric": "POWER_W", "direction": "UP", "crossing": 150, "clear": 130}],
    "adaptationGuidance": [{"action": "RESELECT_SERVICE_LOCATION", "triggerThresholdRef": "hot"}],
    "reporting": {"mode": "THRESHOLD", "minReportSpacing": 1},
}
EXPOSED = ["energyAdaptationRecommendation", "energyConsumptionValue", "energyCharacteristics", "energyThresholdStatus",
           "energyBudgetStatus"]


class MediaStage(harness.Case):
    """A media application function, what a provider and servers ask of it; no tests."""

    def setUp(self):
        super().setUp()
        self.sequence = 0
        self.config = self.write("media.yaml", SERVER.format(folder=self.folder))
        self.begin()

    def begin(self):
        self.server = self.start("serve", "-c", self.config)
        self.url, self.admin_url = self.server.ready()[:2]

    def made(self, path, body):
        answer = self.ask("POST", path, body=body)
        self.assertEqual(answer.status, 201, answer.text)
        return answer.headers["location"].removeprefix(self.url)

    def provision(self):
        self.session = self.made("/3gpp-m1/v2/provisioning-sessions",
                                 {"provisioningSessionType": "DOWNLINK", "appId": "app"})
        self.made(self.session + "/content-hosting-configuration", {
            "name": "live", "ingestConfiguration": {},
            "distributionConfigurations": [
                {"entryPoint": {"relativePath": "live.mpd", "contentType": "application/dash+xml"},
                 "baseURL": f"http://{name.lower()}.example/", "serviceLocationId": name} for name in ("SL1", "SL2")]})
        self.made(self.session + "/energy-information-exposure",
                  {"recipients": ["EIC", "APPLICATION", "ASP"], "parameters": EXPOSED})
        self.policy = self.made(self.session + "/energy-policies", POLICY)

    def register(self, server, location):
        answer = self.ask("PUT", f"/x-e3/v1/application-servers/{server}", body={
            "serviceLocations": [{"serviceLocationId": location, "baseUrls": [f"http://{location.lower()}.example/"]}],
            "host": {"capacityMbps": 1000, "idlePowerW": 100, "maxPowerW": 200, "method": "MODEL_CPU",
                     "relUncertainty": 0.4}})
        self.assertEqual(answer.status, 201, answer.text)
        return answer.json["configuration"]

    def report(self, server, location, watts):
        self.sequence += 1
        now = datetime.datetime.now(datetime.timezone.utc)
        joules = 100.0 * self.sequence
        answer = self.ask("POST", "/x-e3/v1/as-energy-reports", body={"reports": [{
            "reportId": str(self.sequence), "sequence": self.sequence, "asInstanceId": server, "bootId": "b",
            "reason": "PERIODIC",
            "measurementTime": {"start": (now - datetime.timedelta(seconds=1)).isoformat(), "end": now.isoformat()},
            "timestamp": now.isoformat(), "validityTime": 60,
            "host": {"energyJ": joules, "powerW": watts, "method": "MODEL_CPU", "relUncertainty": 0.4,
                     "state": "ACTIVE"},
            "perServiceLocation": [{"serviceLocationId": location, "energyJ": joules, "idleShareJ": joules,
                                    "dynamicJ": 0, "bytesTx": 1000000 * self.sequence}]}]})
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(answer.json["accepted"], 1, answer.text)
        return answer.json

    def subscribe(self):
        return self.made("/x-e5/v1/subscriptions", {
            "provisioningSessionId": self.session.rsplit("/", 1)[1], "energyPolicyId": self.policy.rsplit("/", 1)[1],
            "mediaDeliverySessionId": "m1", "serviceLocationId": "SL1"})

    def recommendation(self, client):
        """The first one, by as many waiting questions as it takes."""
        after, until = 0, time.monotonic() + harness.PATIENCE
        while time.monotonic() < until:
            events = self.ask("GET", f"{client}/events?after={after}&wait=5").json
            after = events["last"]
            for event in events["events"]:
                if "energyAdaptationRecommendation" in event:
                    return event["energyAdaptationRecommendation"]
        raise AssertionError("nothing was recommended")


class MediaFunction(MediaStage):
    def test_a_client_is_led_away_from_a_location_that_takes_too_much(self):
        self.provision()
        self.register("as1", "SL1")
        self.register("as2", "SL2")
        receipt = self.report("as1", "SL1", 180)
        self.assertEqual(receipt["configuration"]["triggers"][0]["crossing"], 150)
        self.report("as2", "SL2", 110)
        client = self.subscribe()
        told = self.recommendation(client)
        self.assertEqual(told["action"], "RESELECT_SERVICE_LOCATION")
        self.assertEqual(told["serviceLocationPriority"], ["SL2"])
        change = self.ask("POST", client + "/service-location-changes", body={
            "moveId": told["moveId"], "to": "SL2", "at": "2026-11-22T12:00:00Z", "outcome": "SUCCEEDED"})
        self.assertEqual(change.status, 204, change.text)
        access = self.ask("GET", "/3gpp-m5/v2/service-access-information/" + self.session.rsplit("/", 1)[1])
        places = access.json["streamingAccess"]["entryPoints"][0]["serviceLocations"]
        self.assertEqual({place["serviceLocationId"] for place in places}, {"SL1", "SL2"})

    def test_what_was_acknowledged_outlives_the_process(self):
        self.provision()
        self.register("as1", "SL1")
        client = self.subscribe()
        self.server.signal(signal.SIGKILL)
        self.server.wait()
        self.begin()
        for path in (self.policy, client, "/x-e3/v1/application-servers/as1"):
            self.assertEqual(self.ask("GET", path).status, 200, path)
        steps = [line for line in harness.ask(self.admin_url + "/metrics").text.splitlines()
                 if line.startswith("lobo_media_steps_total")]
        self.assertEqual(steps, ["lobo_media_steps_total 0"], "what was stored is no step that was taken now")

    def test_a_budget_that_was_used_stays_used_when_the_process_is_killed(self):
        self.provision()
        self.register("as1", "SL1")
        segments = [{"lowerWh": 0, "upperWh": 0.05, "action": "NONE"},
                    {"lowerWh": 0.05, "upperWh": 5, "action": "REDUCE_MAX_BITRATE", "params": {"maxBitRate": "1 Mbps"}}]
        self.policy = self.made(self.session + "/energy-policies", {
            "energyBudget": {"period": 3600, "segments": segments}, "reporting": {"mode": "THRESHOLD", "minReportSpacing": 1}})
        client = self.subscribe()
        self.report("as1", "SL1", 100)
        told, until = None, time.monotonic() + harness.PATIENCE
        while not told and time.monotonic() < until:
            self.report("as1", "SL1", 100)  # 100 J, 0.028 Wh
            events = self.ask("GET", client + "/events?after=0").json["events"]
            told = [one for one in events if one["energyReportingReason"] == "BUDGET_CHANGED"]
            time.sleep(0.3)
        used = told[0]["energyBudgetStatus"]["usedWh"]
        self.assertGreaterEqual(used, 0.05)
        self.server.signal(signal.SIGKILL)
        self.server.wait()
        self.begin()
        status = self.ask("GET", client + "/events?after=0").json["events"][0]["energyBudgetStatus"]
        self.assertEqual((status["state"], status["segmentIndex"]), ("WARNING", 1))
        self.assertGreaterEqual(status["usedWh"], used)

    def test_it_ends_when_it_is_told_to_and_says_how_it_is(self):
        for status in ("health", "ready", "capabilities"):
            self.assertEqual(harness.ask(f"{self.admin_url}/status/{status}").status, 200, status)
        self.assertIn("lobo_media_steps_total", harness.ask(self.admin_url + "/metrics").text)
        self.server.signal(signal.SIGTERM)
        self.assertEqual(self.server.wait(), 0)


if __name__ == "__main__":
    unittest.main()
