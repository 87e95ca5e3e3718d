#!/usr/bin/env python3
"""Events of E5 as one answer that grows (text/event-stream), from a process, over both versions of HTTP: read, resumed,
left, refused, and ended with the process. The clients share no code with the server."""

import contextlib
import json
import signal
import socket
import unittest
import urllib.parse

import h2.config
import h2.connection
import h2.events
import hyperframe.frame
import harness
import media_test

TAKES = "text/event-stream"


def events_of(text):
    """(name, id, data) of each event that is whole."""
    found = []
    for block in text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return found


class Http1:
    """A reader that undoes the chunks itself."""

    def __init__(self, url, path, last=None):
        at = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((at.hostname, at.port), timeout=harness.PATIENCE)
        resumes = f"Last-Event-ID: {last}\r\n" if last is not None else ""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nAccept: {TAKES}\r\n{resumes}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        while (line := self.file.readline().strip()):
            name, value = line.decode().split(": ", 1)
            self.headers[name] = value
        self.text = ""

    def more(self):
        """False where the answer is whole."""
        size = int(self.file.readline(), 16)
        self.text += self.file.read(size).decode()
        self.file.readline()
        return size > 0

    def close(self):
        self.file.close()
        self.socket.close()


class Http2:
    def __init__(self, url, path, last=None):
        at = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((at.hostname, at.port), timeout=harness.PATIENCE)
        self.link = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.link.initiate_connection()
        self.authority, self.stream = at.netloc, 1
        fields = [("accept", TAKES)] + ([("last-event-id", str(last))] if last is not None else [])
        self.request(self.stream, path, fields)
        self.heads, self.texts, self.over = {}, {self.stream: ""}, set()
        while self.stream not in self.heads:
            self.take()
        self.status = int(self.heads[self.stream][":status"])
        self.headers = self.heads[self.stream]

    def request(self, stream, path, fields):
        self.link.send_headers(stream, [(":method", "GET"), (":scheme", "http"), (":path", path),
                                        (":authority", self.authority), *fields], end_stream=True)
        self.socket.sendall(self.link.data_to_send())

    def take(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("closed")
        for event in self.link.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.heads[event.stream_id] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.texts[event.stream_id] = self.texts.get(event.stream_id, "") + event.data.decode()
                self.link.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                self.over.add(event.stream_id)
        self.socket.sendall(self.link.data_to_send())

    @property
    def text(self):
        return self.texts[self.stream]

    def more(self):
        if self.stream in self.over:
            return False
        self.take()
        return self.stream not in self.over

    def frames(self):
        """What is still sent, frame by frame: this library takes no DATA after GOAWAY, which RFC 9113 lets come."""
        buffer = b""
        while (data := self.socket.recv(65536)):
            buffer += data
            while len(buffer) >= 9:
                frame, length = hyperframe.frame.Frame.parse_frame_header(memoryview(buffer[:9]))
                if len(buffer) < 9 + length:
                    break
                frame.parse_body(memoryview(buffer[9:9 + length]))
                buffer = buffer[9 + length:]
                if isinstance(frame, hyperframe.frame.PingFrame) and "ACK" not in frame.flags:
                    self.socket.sendall(hyperframe.frame.PingFrame(0, frame.opaque_data, flags=["ACK"]).serialize())
                yield frame

    def close(self):
        self.socket.close()


class MediaEvents(media_test.MediaStage):
    def setUp(self):
        super().setUp()
        self.provision()
        self.register("as1", "SL1")
        self.register("as2", "SL2")
        self.client = self.subscribe()
        self.path = self.client + "/events"

    def read(self, reader, enough):
        """Until `enough` of the events."""
        while not enough(events := events_of(reader.text)):
            self.assertTrue(reader.more(), reader.text)
        return events

    def is_pushed(self, kind):
        with contextlib.closing(kind(self.url, self.path)) as reader:
            self.assertEqual(reader.status, 200)
            self.assertEqual(reader.headers["content-type"], TAKES)
            self.assertEqual(reader.headers["cache-control"], "no-store")
            self.assertNotIn("content-length", reader.headers)
            first = self.read(reader, bool)[0]
            self.assertEqual((first[0], first[2]["energyReportingReason"]), ("report", "INITIAL"))
            self.report("as1", "SL1", 180)
            self.report("as2", "SL2", 110)
            events = self.read(reader, lambda some: any("energyAdaptationRecommendation" in one[2] for one in some))
        numbers = [one[1] for one in events]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "each once, in order")
        # Resumed behind the first: the rest again, and nothing of the first.
        with contextlib.closing(kind(self.url, self.path, numbers[0])) as reader:
            again = self.read(reader, lambda some: len(some) >= len(events) - 1)
        self.assertEqual([one[1] for one in again][:len(numbers) - 1], numbers[1:])
        # One that the ring has lost.
        with contextlib.closing(kind(self.url, self.path, 1)) as reader:
            lost = self.read(reader, bool)[0]
        self.assertEqual((lost[0], lost[2]), ("lost", {"after": 1, "next": numbers[0]}))

    def test_events_come_over_http1_as_they_happen(self):
        self.is_pushed(Http1)

    def test_events_come_over_http2_as_they_happen(self):
        self.is_pushed(Http2)

    def test_others_are_served_on_the_connection_meanwhile(self):
        with contextlib.closing(Http2(self.url, self.path)) as reader:
            self.read(reader, bool)
            reader.request(3, self.client, [])
            while 3 not in reader.over:
                reader.take()
            self.assertEqual(reader.heads[3][":status"], "200")
            self.assertNotIn(1, reader.over)

    def test_readers_that_leave_give_their_place_back(self):
        for _ in range(70):  # more than a client may have at a time
            with contextlib.closing(Http1(self.url, self.path)) as reader:
                self.assertEqual(reader.status, 200)
        self.assertEqual(self.ask("GET", self.path).status, 200, "the long poll beside it")

    def test_a_stream_ends_with_its_subscription_and_with_the_process(self):
        for kind in (Http1, Http2):
            client = self.subscribe()
            with contextlib.closing(kind(self.url, client + "/events")) as reader:
                self.read(reader, bool)
                self.assertEqual(self.ask("DELETE", client).status, 204)
                while reader.more():
                    pass
        with contextlib.closing(Http1(self.url, self.path)) as first, \
                contextlib.closing(Http2(self.url, self.path)) as second:
            for reader in (first, second):
                self.read(reader, bool)
            self.server.signal(signal.SIGTERM)
            while first.more():
                pass
            ended = [frame for frame in second.frames() if frame.stream_id == 1 and "END_STREAM" in frame.flags]
            self.assertEqual(len(ended), 1, "whole, not reset")
            self.assertEqual(self.server.wait(), 0, "it does not wait for readers")

    def test_what_is_asked_wrongly_is_refused(self):
        for fields, status in (({"accept": TAKES, "last-event-id": "x"}, 400), ({"accept": "image/png"}, 406),
                               ({"accept": f"{TAKES}, application/json"}, 200)):
            answer = self.ask("GET", self.path, headers=fields)
            self.assertEqual(answer.status, status, answer.text)
            self.assertIn("json", answer.headers["content-type"])
        self.assertEqual(self.ask("GET", self.client + "0/events", headers={"accept": TAKES}).status, 404)


if __name__ == "__main__":
    unittest.main()
