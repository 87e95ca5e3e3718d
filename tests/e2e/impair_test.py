#!/usr/bin/env python3
"""`lobo impair` as a process: what it says of itself is what a client and a server saw."""

import json
import socket

import harness

COUNT = 200  # few enough for a buffer that nobody reads meanwhile


class Impair(harness.Case):
    def test_what_it_says_was_lost_is_what_did_not_arrive(self):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        self.addCleanup(client.close)
        server.bind(("127.0.0.1", 0))
        process = self.start("impair", "--to", f"127.0.0.1:{server.getsockname()[1]}", "--loss", "20/0", "--delay",
                             "5", "--seed", "3", "-o", "json")
        host, port = process.ready()[0].removeprefix("udp://").split(":")
        for number in range(COUNT):
            client.sendto(b"datagram %d" % number, (host, int(port)))
        # The last of them is known to have passed when one comes that is sent until it does.
        seen = set()
        server.settimeout(0.2)
        client.settimeout(2)
        for _ in range(200):
            client.sendto(b"end", (host, int(port)))
            try:
                datagram, source = server.recvfrom(2000)
                while datagram != b"end":
                    seen.add(datagram)
                    datagram, source = server.recvfrom(2000)
            except TimeoutError:
                continue
            server.sendto(b"back", source)
            self.assertEqual(client.recv(100), b"back")
            break
        process.signal(harness.signal.SIGTERM)
        self.assertEqual(process.wait(), 0)
        told = json.loads(process.unread + process.child.stdout.read())
        up = next(row for row in told if row["direction"] == "up")
        self.assertGreaterEqual(up["taken"], COUNT + 1)
        self.assertGreater(up["lost"], 15)
        self.assertEqual(up["taken"], up["lost"] + up["delivered"])
        self.assertLessEqual(COUNT - len(seen), up["lost"])
        self.assertGreaterEqual(up["delayMsMin"], 5)

    def test_it_is_told_otherwise_while_it_runs(self):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        self.addCleanup(client.close)
        server.bind(("127.0.0.1", 0))
        server.settimeout(harness.PATIENCE)
        process = self.start("impair", "--to", f"127.0.0.1:{server.getsockname()[1]}", "--control", "127.0.0.1:0")
        (at, control) = process.ready()
        host, port = at.removeprefix("udp://").split(":")
        client.sendto(b"first", (host, int(port)))
        self.assertEqual(server.recv(100), b"first")
        told = harness.ask(control + "/line", "PUT", body={"loss": "100/0", "delay": 3})
        self.assertEqual((told.status, told.json["loss"], told.json["delay"], told.json["queue"]), (200, "100/0", "3", "100"))
        client.sendto(b"lost", (host, int(port)))
        for wrong in ({"loss": 101}, {"loss": "x"}, {"los": 1}, [1], {"loss": None}):
            self.assertEqual(harness.ask(control + "/line", "PUT", body=wrong).status, 400, wrong)
        self.assertEqual(harness.ask(control + "/lines").status, 404)
        # By the time of an answer that was asked for later the proxy has seen it.
        up = {}
        while up.get("taken") != 2:
            up = harness.ask(control + "/line").json["counted"]["up"]
        self.assertEqual((up["lost"], up["delivered"]), (1, 1))
        harness.ask(control + "/line", "PUT", body={"loss": 0})
        self.assertEqual(harness.ask(control + "/rebind", "PUT").status, 204)
        client.sendto(b"last", (host, int(port)))
        self.assertEqual(server.recv(100), b"last")

    def test_numbers_that_make_no_sense_are_refused_by_name(self):
        for option, value in (("--loss", "101"), ("--delay", "x"), ("--rate", "-1"), ("--jitter", "1/2/3")):
            self.lobo("impair", "--to", "127.0.0.1:9", option, value, exit_code=2)
            self.assertIn(option, self.last_error)


if __name__ == "__main__":
    harness.main()
