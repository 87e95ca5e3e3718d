"""Requests that no client library would send, over a bare socket: HTTP itself refuses them, whatever the
operation, and nothing has happened."""

import json
import socket

import harness

COLLECTION = "/ss-nra/v1/unicast-subscriptions"


class RawHttp(harness.Case):
    def setUp(self):
        super().setUp()
        self.start_network()
        self.start_server()
        self.made = COLLECTION + "/" + self.create("ue1")["uniSubId"]

    def send(self, *lines, body=b""):
        """Status, head and body of the answer to a request of these lines; status 0: there is none."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=harness.PATIENCE) as raw:
            raw.sendall("\r\n".join((*lines, "", "")).encode("latin-1") + body)
            raw.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := raw.recv(65536):
                answer += piece
        if not answer:
            return 0, "", b""
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode("latin-1").lower(), rest

    def assert_refused(self, status, *lines, body=b""):
        got, head, rest = self.send(*lines, body=body)
        self.assertEqual(got, status, (lines, rest))
        self.assertIn("content-type: application/problem+json", head)
        self.assertEqual(json.loads(rest)["status"], status)
        self.assertEqual(len(self.reservations()), 1)

    def test_a_delete_that_is_malformed_is_refused_and_deletes_nothing(self):
        for lines in (("Host: a", "Host: b"), ("Host: a b",), (), ("Host: a", " folded: x"), ("Host: a", "x\x00: y"),
                      ("Host: a", "Content-Length: 3", "Content-Length: 4"),
                      ("Host: a", "Content-Length: 3", "Transfer-Encoding: chunked"),
                      ("Host: a", "Content-Length: -1")):
            self.assert_refused(400, f"DELETE {self.made} HTTP/1.1", *lines)
        self.nrm("get", self.made.rsplit("/", 1)[1])

    def test_a_create_without_a_length_has_no_body_and_says_so(self):
        status, _, rest = self.send(f"POST {COLLECTION} HTTP/1.1", "Host: a", "Content-Type: application/json",
                                    "Connection: close")
        self.assertEqual(status, 400, rest)

    def test_a_body_that_ends_early_makes_nothing(self):
        status, _, _ = self.send(f"POST {COLLECTION} HTTP/1.1", "Host: a", "Content-Type: application/json",
                                 "Content-Length: 500", body=b'{"valTgtUe":')
        self.assertIn(status, (0, 400, 408))
        self.assertEqual(len(self.reservations()), 1)

    def test_fields_beyond_every_limit_are_refused(self):
        self.assert_refused(431, f"DELETE {self.made} HTTP/1.1", "Host: a", "X-Long: " + "x" * 20000)


if __name__ == "__main__":
    harness.main()
