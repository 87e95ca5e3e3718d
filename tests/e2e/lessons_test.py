"""Inputs that killed neighbours (open5GS, free5GC, 5G-MAG), given to real processes over real sockets.
The numbers are those of the collection of such inputs; tests/contract gives the same to the whole control
plane in one process, in far more variations. Rows about user packets belong to the data plane."""

import http.client
import http.server
import itertools
import json
import socket
import struct
import threading
import urllib.parse

import h2.config
import h2.connection
import harness

COLLECTION = "/ss-nra/v1/unicast-subscriptions"


def with_requirement(requirement):
    return {"valTgtUe": {"valUeId": "ue1"}, "notifUri": "http://127.0.0.1:9/n", "uniQosReq": json.dumps(requirement)}


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.text = response.status, response.headers, response.read().decode()

    def blamed(self):
        return [one["param"] for one in json.loads(self.text).get("invalidParams", [])]


class Stage(harness.Case):
    BEHAVIOUR = ""

    def setUp(self):
        super().setUp()
        self.start_network(self.BEHAVIOUR)
        self.start_server(**self.options())

    def options(self):
        return {}

    def ask(self, method, path, body=None, headers=None, url=None):
        address = urllib.parse.urlsplit(url or self.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=harness.PATIENCE)
        self.addCleanup(connection.close)
        text = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        connection.request(method, path, text, {**({"content-type": kind} if text is not None else {}),
                                                **(headers or {})})
        return Answer(connection.getresponse())

    def body(self, ue="ue1", qos="xr-silver"):
        return {"valTgtUe": {"valUeId": ue}, "notifUri": "http://127.0.0.1:9/n", "uniQosReq": qos}

    def make(self, **what):
        answer = self.ask("POST", COLLECTION, self.body(**what))
        self.assertEqual(answer.status, 201, answer.text)
        return urllib.parse.urlsplit(answer.headers["location"]).path

    def listed(self):
        return [one["uniSubId"] for one in json.loads(self.ask("GET", COLLECTION).text)["items"]]

    def assert_books_agree_and_all_can_be_released(self):
        """What the server lists is what the network holds, and all of it can be let go."""
        self.until(lambda: len(self.reservations()) == len(self.listed()), True, patience=60)
        for one in self.listed():
            self.assertIn(self.ask("DELETE", f"{COLLECTION}/{one}").status, (204, 404))
        self.until(lambda: self.reservations() + self.listed(), [], patience=60)


class Lessons(Stage):
    def test_lesson_01_an_incomplete_flow_description_is_refused_and_never_reaches_the_network(self):
        for flow in ("permit in", "permit", "permit out 17 from", "deny in", "permit in 17 from any to any frag x"):
            answer = self.ask("POST", COLLECTION, with_requirement(
                {"qosReference": "xr-gold", "flows": [{"flowDescriptions": [flow]}]}))
            self.assertEqual((answer.status, answer.blamed()), (400, ["/uniQosReq/flows/0/flowDescriptions/0"]), flow)
        self.assertEqual(self.reservations(), [])

    def test_lesson_02_present_but_empty_is_refused_by_name(self):
        for body, pointer in ((self.body(ue=""), "/valTgtUe/valUeId"), (self.body(qos=""), "/uniQosReq"),
                              ({**self.body(), "notifUri": ""}, "/notifUri"),
                              ({**self.body(), "valTgtUe": {}}, "/valTgtUe"),
                              (with_requirement({"qosReference": ""}), "/uniQosReq/qosReference"),
                              (with_requirement({"qosReference": "xr-gold", "flows": []}), "/uniQosReq/flows")):
            answer = self.ask("POST", COLLECTION, body)
            self.assertEqual((answer.status, answer.blamed()), (400, [pointer]))
        self.assertEqual(self.reservations(), [])

    def test_lesson_05_a_query_that_cannot_be_read_is_not_an_empty_one(self):
        self.make()
        for query in ("limit=", "limit=0", "limit=abc", "limit=%7B%7D", "limit=%zz", "cursor=%", "limit=1&limit=x"):
            self.assertEqual(self.ask("GET", f"{COLLECTION}?{query}").status, 400, query)
        self.assertEqual(self.ask("GET", f"{COLLECTION}?limit=1").status, 200)

    def test_lesson_10_a_modification_that_is_refused_leaves_the_session_as_it_was(self):
        path = self.make()
        for ue in ("ue2", "ue3"):
            self.make(ue=ue, qos="xr-gold")
        before = self.ask("GET", path), self.reservations()
        for patch, status in (({"uniQosReq": "platinum"}, 400), ({"uniQosReq": None}, 400), (b"[", 400), (b"", 400),
                              ({"notifUri": "http://169.254.169.254/"}, 400),
                              ({"uniQosReq": json.dumps({"gbrDl": "109 Mbps"})}, 403)):
            self.assertEqual(self.ask("PATCH", path, patch).status, status, patch)
        after = self.ask("GET", path), self.reservations()
        self.assertEqual((before[0].text, before[1]), (after[0].text, after[1]))

    def test_lesson_12_what_is_mandatory_may_be_missing_on_the_wire(self):
        path = self.make()
        held = json.loads(self.ask("GET", "/netsim-control/v1/reservations", url=self.net_url).text)["reservations"]
        to = urllib.parse.urlsplit(held[0]["notificationDestination"]).path
        before = self.ask("GET", path).text
        for body, blamed in (({}, ["/transaction", "/eventReports"]), ({"transaction": "http://n/1"}, ["/eventReports"]),
                             ({"transaction": "http://n/1", "eventReports": [{}]}, ["/eventReports/0/event"]),
                             ({"transaction": "http://n/1", "eventReports": [None]}, ["/eventReports/0"])):
            answer = self.ask("POST", to, body)
            self.assertEqual((answer.status, answer.blamed()), (400, blamed))
        for kind in ("multipart/related", "multipart/related; boundary=x", ""):
            self.assertEqual(self.ask("POST", to, b"--x\r\n", {"content-type": kind}).status, 415, kind)
        self.assertEqual(self.ask("GET", path).text, before)

    def test_lesson_13_every_subset_of_what_is_optional_is_served_and_an_unknown_id_is_404(self):
        optional = {"uniQosReq": "xr-silver", "duration": "2999-01-01T00:00:00Z", "reqTestNotif": True,
                    "wsNotifCfg": {"requestWebsocketUri": True}, "suppFeat": "70000000000"}
        for size in range(len(optional) + 1):
            for names in itertools.combinations(optional, size):
                body = {**self.body(), **{name: optional[name] for name in names}}
                if "uniQosReq" not in names:
                    del body["uniQosReq"]
                answer = self.ask("POST", COLLECTION, body)
                # No default is configured here, and no subscription lasts for a thousand years.
                wanted = (["/duration"] if "duration" in names else []) + \
                    ([] if "uniQosReq" in names else ["/uniQosReq"])
                self.assertEqual(answer.status, 400 if wanted else 201, answer.text)
                if wanted:
                    self.assertEqual(answer.blamed(), wanted)
                else:
                    self.ask("DELETE", urllib.parse.urlsplit(answer.headers["location"]).path)
        for method, body in (("GET", None), ("PATCH", {"uniQosReq": "xr-gold"}), ("DELETE", None)):
            for unknown in ("x", "%00", "..%2f", "a" * 2000):
                self.assertEqual(self.ask(method, f"{COLLECTION}/{unknown}", body).status, 404, (method, unknown))
        self.assert_books_agree_and_all_can_be_released()


class FullTables(Stage):
    def options(self):
        return {"more": "  quotas: {resources_per_client: 2}\n"}

    def test_lesson_08_a_pool_that_is_used_up_is_a_status_code_and_a_release_still_works(self):
        path = self.make()
        self.make(ue="ue2")
        full = self.ask("POST", COLLECTION, self.body(ue="ue3"))
        self.assertEqual(full.status, 429)
        self.assertIsNotNone(full.headers["retry-after"])
        self.assertEqual(self.ask("DELETE", path).status, 204)
        self.make(ue="ue3")
        self.assert_books_agree_and_all_can_be_released()


class HangingUp(Stage):
    BEHAVIOUR = "  behaviour: {response_delay: 300ms}\n"

    def hang_up(self, method, path, body, http2, reset):
        """Sends the whole request and closes before the network can have answered."""
        address = urllib.parse.urlsplit(self.url)
        link = socket.create_connection((address.hostname, address.port), harness.PATIENCE)
        text = json.dumps(body).encode() if body is not None else b""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        if http2:
            talk = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
            talk.initiate_connection()
            talk.send_headers(1, [(":method", method), (":path", path), (":scheme", "http"),
                                  (":authority", address.netloc), ("content-type", kind)], end_stream=not text)
            if text:
                talk.send_data(1, text, end_stream=True)
            link.sendall(talk.data_to_send())
            if reset:  # The stream only; the connection goes on.
                talk.reset_stream(1)
                link.sendall(talk.data_to_send())
        else:
            link.sendall(f"{method} {path} HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-type: {kind}\r\n"
                         f"content-length: {len(text)}\r\n\r\n".encode() + text)
            if reset:  # RST instead of FIN.
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.until(lambda: self.arrived(), True)
        link.close()

    def arrived(self):
        """Whether the network was asked: from then on the request is under way here."""
        journal = json.loads(self.ask("GET", "/netsim-control/v1/journal", url=self.net_url).text)
        return len(journal["entries"]) > self.journal_before

    def test_lesson_04_a_client_that_hangs_up_before_the_answer_leaves_nothing_half_done(self):
        for http2, reset in itertools.product((False, True), (False, True)):
            for method, body in (("POST", self.body()), ("PATCH", {"uniQosReq": "xr-gold"}), ("DELETE", None)):
                with self.subTest(method=method, http2=http2, reset=reset):
                    path = COLLECTION if method == "POST" else self.make()
                    self.journal_before = 0
                    self.journal_before = len(json.loads(
                        self.ask("GET", "/netsim-control/v1/journal", url=self.net_url).text)["entries"])
                    self.hang_up(method, path, body, http2, reset)
                    self.assert_books_agree_and_all_can_be_released()
        self.assertEqual(self.ask("GET", COLLECTION).status, 200)


class Liar(http.server.BaseHTTPRequestHandler):
    """The network, except that the Location of a session is what `lie` makes of it."""

    protocol_version = "HTTP/1.1"
    network, lie = "", None

    def pass_on(self):
        address = urllib.parse.urlsplit(self.network)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=harness.PATIENCE)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() == "location" and self.lie is not None and "as-session" in self.path:
                value = self.lie
            if name.lower() not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

    def log_message(self, *words):
        pass


class ShortLocations(Stage):
    SERVER = harness.Case.SERVER.replace("    allocation_events: always\n",
                                         "    allocation_events: never\n    http2: false\n")

    def start_server(self, **options):
        Liar.network, Liar.lie = self.net_url, None
        liar = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
        threading.Thread(target=liar.serve_forever, daemon=True).start()
        self.addCleanup(liar.server_close)
        self.addCleanup(liar.shutdown)
        truth, self.net_url = self.net_url, f"http://127.0.0.1:{liar.server_address[1]}"
        super().start_server(**options)
        self.net_url = truth

    def test_lesson_03_a_201_with_a_short_location_costs_at_most_that_create(self):
        for lie in ("", "/", "x", "//", "http:", "http://", "subscriptions/", "/subscriptions/..", "?x", "#",
                    "http://[::1", "/a/subscriptions/" + "a" * 5000):
            with self.subTest(location=lie):
                Liar.lie = lie
                answer = self.ask("POST", COLLECTION, self.body())
                self.assertTrue(answer.status == 201 or answer.status > 400, answer.text)
                self.assertNotEqual(answer.status, 500)
                Liar.lie = None
                self.assert_books_agree_and_all_can_be_released()


class Strangers(harness.Case):
    def test_lesson_14_no_route_serves_anybody_without_its_protection(self):
        pki = self.folder / "pki"
        self.lobo("pki", "init", pki)
        self.start_network()
        self.start_server(auth=f"    mode: jwt\n    jwks: {pki}/jwks.json\n    issuer: https://lobodon.lab\n"
                               "    audience: lobodon\n")
        for path in (COLLECTION, COLLECTION + "/x"):
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                answer = Stage.ask(self, method, path, {} if method in ("POST", "PUT", "PATCH") else None)
                self.assertIn(answer.status, (401, 405), (method, path))
                if answer.status == 401:
                    self.assertIn("Bearer", answer.headers["www-authenticate"])
        for secret in ("x", "0" * 32, "%00"):
            for kind in ("unicast", "ue-watch"):
                answer = Stage.ask(self, "POST", f"/nrm-callbacks/v1/{kind}/x/{secret}", {})
                self.assertIn(answer.status, (400, 404), (kind, secret))
        self.assertEqual(self.reservations(), [])


if __name__ == "__main__":
    harness.main()
