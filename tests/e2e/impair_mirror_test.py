#!/usr/bin/env python3
"""`lobo impair --mirror`: a TCP server of this machine behind a bad network, in a namespace of its own."""

import json
import socket
import threading
import time

import harness
import live_net

OWN, PEER = "10.77.0.1", "10.77.0.2"
DELAY_MS = 20
OCTETS = bytes(range(256)) * 1024


class Mirror(harness.Case):
    def served(self):
        """A server that sends back what it gets, and its port."""
        server = socket.create_server((OWN, 0))
        self.addCleanup(server.close)

        def answer():
            connection, _ = server.accept()
            with connection:
                while octets := connection.recv(65536):
                    connection.sendall(octets)

        threading.Thread(target=answer, daemon=True).start()
        return server.getsockname()[1]

    def mirror(self, port, *options):
        return self.start("impair", "--mirror", OWN, "--to", f"{PEER}:{port}", "-o", "json", *options)

    def rows(self, process):
        process.signal(harness.signal.SIGTERM)
        self.assertEqual(process.wait(), 0)
        told = json.loads(process.unread + process.child.stdout.read())
        return {row["direction"]: row for row in told}

    def test_a_tcp_connection_has_the_delay_and_survives_the_loss(self):
        # Its port must be known before its address is there.
        with open("/proc/sys/net/ipv4/ip_nonlocal_bind", "w", encoding="ascii") as knob:
            knob.write("1")
        port = self.served()
        process = self.mirror(port, "--delay", str(DELAY_MS), "--loss", "5", "--control", "127.0.0.1:0")
        self.assertEqual(process.ready()[0], f"ip://{PEER}:{port}")
        client = socket.create_connection((PEER, port), timeout=harness.PATIENCE)
        self.addCleanup(client.close)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(b"there")
        began = time.monotonic()
        client.sendall(b" and back")
        back = b""
        while len(back) < len(b"there and back"):
            back += client.recv(100)
        self.assertEqual(back, b"there and back")
        self.assertGreaterEqual(time.monotonic() - began, 2 * DELAY_MS / 1000)
        threading.Thread(target=client.sendall, args=(OCTETS,), daemon=True).start()
        got = bytearray()
        while len(got) < len(OCTETS):
            got += client.recv(65536)
        self.assertEqual(bytes(got), OCTETS)
        rows = self.rows(process)
        for row in rows.values():
            self.assertGreater(row["lost"], 0)
            self.assertGreaterEqual(row["delayMsMin"], DELAY_MS)
        for direction in ("up", "down"):  # both carry the octets
            self.assertGreater(rows[direction]["octetsDelivered"], len(OCTETS))

    def test_what_cannot_be_is_refused(self):
        self.lobo("impair", "--mirror", "fd00::1", "--to", f"{PEER}:80", exit_code=2)
        self.assertIn("--mirror", self.last_error)
        self.lobo("impair", "--mirror", PEER, "--to", f"{PEER}:80", exit_code=1)
        self.assertIn("are one", self.last_error)


if __name__ == "__main__":
    live_net.enter()
    harness.main()
