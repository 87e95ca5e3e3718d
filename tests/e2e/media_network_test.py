#!/usr/bin/env python3
"""QoS degradation leads a media session elsewhere, with real processes: a network whose link becomes slow, resource
management that measures it, and the media application function that it tells."""

import unittest

import media_test

POLICY = {**media_test.POLICY, "externalReference": "near", "serviceEnergyProfile": {"qoeFloor": {"maxLatencyMs": 60}}}


class MediaNetwork(media_test.MediaStage):
    def setUp(self):
        super().setUp()
        self.media_url = self.url
        self.start_network()
        self.start_server()
        self.nrm_url, self.url = self.url, self.media_url

    def test_a_slow_link_that_resource_management_measures_leads_a_client_to_another_place(self):
        self.provision()
        self.policy = self.made(self.session + "/energy-policies", POLICY)
        for server, location in (("as1", "SL1"), ("as2", "SL2")):
            self.register(server, location)
            self.report(server, location, 110)
        client = self.subscribe()
        uris = self.ask("GET", client).json["networkNotificationUris"]
        self.lobo("nrm", "monitor", "create", "--ue", "ue1", "--measure", "DL_DELAY", "--window", "1s",
                  "--period", "1s", "--notify", uris["monitoring"], "--server", self.nrm_url)
        self.net("degrade", "ue1", "--delay", "90ms")
        moved = self.recommendation(client)
        self.assertEqual((moved["action"], moved["serviceLocationPriority"]), ("RESELECT_SERVICE_LOCATION", ["SL2"]))
        events = self.ask("GET", client + "/events?after=0").json["events"]
        self.assertEqual([one["energyReportingReason"] for one in events if "energyAdaptationRecommendation" in one],
                         ["QOS_DEGRADED"])


if __name__ == "__main__":
    unittest.main()
