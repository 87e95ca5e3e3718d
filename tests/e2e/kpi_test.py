#!/usr/bin/env python3
"""Energy and performance of cells by `lobo netsim`: a manager of Python that is told of files and reads them."""

import http.server
import json
import queue
import threading
import time
import xml.etree.ElementTree as ET

import harness

FILES = "/3GPPManagement/fileDataReportingMnS/v1800"
NS = {"m": "http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec"}


class Manager(http.server.BaseHTTPRequestHandler):
    told = None

    def do_POST(self):
        type(self).told.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Kpi(harness.Case):
    NETWORK = harness.Case.NETWORK.replace("downlink: 110 Mbps, uplink: 60 Mbps",
                                            "downlink: 100 Mbps, uplink: 60 Mbps, power: {idle_w: 400, max_w: 1000}")

    def setUp(self):
        super().setUp()
        self.start_network("  granularity_period: 1s\n")

    def subscribe(self):
        Manager.told = queue.Queue()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Manager)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        made = harness.ask(self.net_url + FILES + "/subscriptions", "POST",
                           body={"consumerReference": f"http://127.0.0.1:{server.server_address[1]}/files"})
        self.assertEqual(made.status, 201, made.text)
        return made.headers["location"]

    def values(self, location):
        """cell -> measurement -> value, of one file."""
        file = harness.ask(location, headers={"accept": "application/xml"})
        self.assertEqual((file.status, file.headers["content-type"]), (200, "application/xml"), file.text)
        root = ET.fromstring(file.text)
        names = {node.get("p"): node.text for node in root.iterfind(".//m:measType", NS)}
        return {value.get("measObjLdn").rsplit("=", 1)[1]: {names[r.get("p")]: r.text for r in value.iterfind("m:r", NS)}
                for value in root.iterfind(".//m:measValue", NS)}

    def test_what_a_cell_promises_is_seen_in_the_power_of_its_files(self):
        self.subscribe()
        self.start_server()
        self.create("ue1")  # 40 of 100 Mbit/s
        until = time.monotonic() + harness.PATIENCE
        while True:
            told = Manager.told.get(timeout=max(0.1, until - time.monotonic()))
            self.assertEqual(told["notificationType"], "notifyFileReady")
            location = told["fileInfoList"][0]["fileLocation"]
            measured = self.values(location)
            if float(measured["cell1"]["PEE.MinPower"]) > 400:
                break
        self.assertAlmostEqual(float(measured["cell1"]["PEE.AvgPower"]), 400 + 0.4 * 600, places=6)
        self.assertAlmostEqual(float(measured["cell1"]["PEE.Energy"]), 640 / 3.6e6, places=12)
        self.assertEqual(measured["cell1"]["DRB.PdcpSduVolumeDL"], "NIL", "nobody counted")
        self.assertEqual(set(measured["cell2"].values()), {"NIL"})
        listed = harness.ask(self.net_url + FILES + "/files?fileDataType=Performance").json
        self.assertIn(location, [one["fileLocation"] for one in listed])
        rows = json.loads(self.net("kpi", "--periods", "96", "-o", "json"))
        self.assertEqual({row["cell"] for row in rows}, {"cell1", "cell2"})
        self.assertIn("cell1", self.net("kpi"))

    def test_periods_before_a_restart_are_a_gap(self):
        location = self.subscribe()
        Manager.told.get(timeout=harness.PATIENCE)
        port = int(self.net_url.rsplit(":", 1)[1])
        self.network.signal(harness.SIGKILL)
        self.network.wait()
        self.start_network("  granularity_period: 1s\n", port=port)
        self.assertEqual(harness.ask(location, "DELETE").status, 404)
        self.until(lambda: len(json.loads(self.net("kpi", "-o", "json"))) > 0, True)
        first = harness.ask(self.net_url + "/netsim-control/v1/kpis?periods=96").json["periods"][0]
        self.assertTrue(first["suspect"], first)

    def test_without_a_power_model_it_says_what_to_do(self):
        self.network.signal(harness.SIGTERM)
        self.network.wait()
        type(self).NETWORK, before = harness.Case.NETWORK, type(self).NETWORK
        self.addCleanup(setattr, type(self), "NETWORK", before)
        self.start_network()
        self.lobo("net", "kpi", "--server", self.net_url, exit_code=5)
        self.assertIn("power: {idle_w", self.last_error)


if __name__ == "__main__":
    harness.main()
