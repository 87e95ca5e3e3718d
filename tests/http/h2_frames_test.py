#!/usr/bin/env python3
"""Raw HTTP/2 frames against the server, made by hyperframe and hpack, which share no code with it.

    h2_frames_test.py SERVER

Each case opens a connection of its own, misbehaves, and says what must come back; after each the
server must still answer a plain request on a new connection. RFC 9113 throughout.
"""

import socket
import struct
import subprocess
import sys
import unittest

import hpack
import hyperframe.frame as hf

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATIENCE = 10.0
PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR = 1, 3, 5, 6
REFUSED_STREAM, COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 7, 9, 11
BODY_BYTES_MAX = 1048576

GET = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]
POST = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")]


class Closed(Exception):
    """The server closed the connection."""


class Link:
    """One connection that says exactly what it is told to say."""

    def __init__(self, port, greet=True, settings=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.buffer = b""
        if greet:
            self.send_raw(PREFACE)
            self.send(hf.SettingsFrame(0, settings=settings or {}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send_raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what the server said before is still to be read

    def send(self, *frames):
        self.send_raw(b"".join(frame.serialize() for frame in frames))

    def headers_frame(self, stream, fields, end_stream=True, end_headers=True):
        frame = hf.HeadersFrame(stream, data=self.encoder.encode(fields))
        if end_headers:
            frame.flags.add("END_HEADERS")
        if end_stream:
            frame.flags.add("END_STREAM")
        return frame

    def headers(self, stream, fields, **how):
        self.send(self.headers_frame(stream, fields, **how))

    def data(self, stream, data, end_stream=False, flags=(), **how):
        frame = hf.DataFrame(stream, data=data, **how)
        for flag in flags:
            frame.flags.add(flag)
        if end_stream:
            frame.flags.add("END_STREAM")
        self.send(frame)

    def read_exactly(self, count):
        while len(self.buffer) < count:
            try:
                got = self.socket.recv(65536)
            except ConnectionResetError as error:
                raise Closed from error
            if not got:
                raise Closed
            self.buffer += got
        out, self.buffer = self.buffer[:count], self.buffer[count:]
        return out

    def next_frame(self):
        head = self.read_exactly(9)
        frame, length = hf.Frame.parse_frame_header(memoryview(head))
        frame.parse_body(memoryview(self.read_exactly(length)))
        return frame

    def until(self, *kinds, stream=None):
        """The next frame of one of these kinds (and of that stream)."""
        while True:
            frame = self.next_frame()
            if isinstance(frame, hf.HeadersFrame):
                frame.fields = dict(self.decoder.decode(frame.data))
            if isinstance(frame, kinds) and (stream is None or frame.stream_id == stream):
                return frame

    def status(self, stream):
        return int(self.until(hf.HeadersFrame, stream=stream).fields[":status"])

    def goaway_code(self):
        """The connection must end; its GOAWAY's code, or None where it just closed."""
        try:
            return self.until(hf.GoAwayFrame).error_code
        except Closed:
            return None

    def reset_code(self, stream):
        return self.until(hf.RstStreamFrame, stream=stream).error_code

    def closes(self):
        try:
            while True:
                self.next_frame()
        except Closed:
            return True


class frames(unittest.TestCase):
    port = 0
    hasty_port = 0  # of a server whose timeouts are a few hundred milliseconds

    def link(self, hasty=False, **how):
        out = Link(self.hasty_port if hasty else self.port, **how)
        self.addCleanup(out.socket.close)
        return out

    def tearDown(self):
        with Link(self.port) as after:
            after.headers(1, GET)
            self.assertEqual(after.status(1), 200, "the server no longer answers")

    def ends_with(self, link, *codes):
        self.assertIn(link.goaway_code(), codes)
        self.assertTrue(link.closes())

    # ---- clause 3.4: preface -------------------------------------------------------------------

    def test_a_preface_with_one_wrong_byte_is_not_http2(self):
        link = self.link(greet=False)
        link.send_raw(PREFACE[:-5] + b"X\r\n\r\n")
        self.assertEqual(link.read_exactly(12), b"HTTP/1.1 505")

    def test_a_preface_without_settings_ends_the_connection(self):
        link = self.link(greet=False)
        link.send_raw(PREFACE)
        link.send(hf.PingFrame(0, opaque_data=b"12345678"))
        self.ends_with(link, PROTOCOL_ERROR, None)

    def test_a_preface_that_never_ends_is_not_waited_for(self):
        link = self.link(hasty=True, greet=False)
        link.send_raw(PREFACE[:10])
        with self.assertRaises(Closed):
            link.read_exactly(1)

    def test_a_client_that_never_sends_settings_is_not_waited_for(self):
        link = self.link(hasty=True, greet=False)
        link.send_raw(PREFACE)
        self.assertTrue(link.closes())

    # ---- clause 4: frames ----------------------------------------------------------------------

    def test_a_frame_larger_than_allowed_ends_the_connection(self):
        link = self.link()
        link.send_raw(struct.pack(">I", 16385)[1:] + b"\x00\x00" + struct.pack(">I", 1) + b"x" * 16385)
        self.ends_with(link, FRAME_SIZE_ERROR, PROTOCOL_ERROR)

    def test_an_unknown_frame_type_is_ignored(self):
        link = self.link()
        link.send_raw(b"\x00\x00\x02\xfa\x00" + struct.pack(">I", 0) + b"hi")
        link.headers(1, GET)
        self.assertEqual(link.status(1), 200)

    def test_a_broken_header_block_ends_the_connection(self):
        link = self.link()
        frame = hf.HeadersFrame(1, data=b"\xff\xff\xff\xff\xff\xff\xff\xff", flags=["END_HEADERS", "END_STREAM"])
        link.send(frame)
        self.ends_with(link, COMPRESSION_ERROR)

    def test_a_header_block_interrupted_by_another_frame_ends_the_connection(self):
        link = self.link()
        link.headers(1, GET, end_headers=False)
        link.send(hf.PingFrame(0, opaque_data=b"12345678"))
        self.ends_with(link, PROTOCOL_ERROR)

    def test_a_continuation_without_headers_ends_the_connection(self):
        link = self.link()
        link.send(hf.ContinuationFrame(1, data=b"", flags=["END_HEADERS"]))
        self.ends_with(link, PROTOCOL_ERROR)

    # ---- clause 5.1: streams -------------------------------------------------------------------

    def test_an_even_stream_id_ends_the_connection(self):
        link = self.link()
        link.headers(2, GET)
        self.ends_with(link, PROTOCOL_ERROR)

    def test_stream_zero_carries_no_headers(self):
        link = self.link()
        frame = link.headers_frame(1, GET)
        raw = bytearray(frame.serialize())
        raw[5:9] = b"\x00\x00\x00\x00"
        link.send_raw(bytes(raw))
        self.ends_with(link, PROTOCOL_ERROR)

    def gets_no_answer(self, stream):
        """Clause 5.1.1 wants the connection ended; nghttp2 cannot tell such a frame from one that
        was on its way when the stream was reset, and reads past it. It must not become a request."""
        link = self.link()
        link.headers(5, GET)
        self.assertEqual(link.status(5), 200)
        link.headers(stream, GET)
        link.headers(7, GET)
        self.assertEqual(link.until(hf.HeadersFrame, hf.GoAwayFrame).stream_id, 7)

    def test_a_stream_id_used_again_makes_no_second_request(self):
        self.gets_no_answer(5)

    def test_a_stream_id_lower_than_the_last_makes_no_request(self):
        self.gets_no_answer(3)

    def test_data_on_an_idle_stream_ends_the_connection(self):
        link = self.link()
        link.data(1, b"x")
        self.ends_with(link, PROTOCOL_ERROR, STREAM_CLOSED)

    def test_data_after_the_end_of_a_stream_does_not_reach_its_body(self):
        link = self.link()
        link.headers(1, POST)
        link.data(1, b"x")
        link.headers(3, GET)
        # Whether the stream was closed already when the data came decides between the two.
        frame = link.until(hf.RstStreamFrame, hf.GoAwayFrame, hf.DataFrame, hf.HeadersFrame)
        while isinstance(frame, hf.HeadersFrame) and frame.stream_id == 1:
            frame = link.until(hf.RstStreamFrame, hf.GoAwayFrame, hf.DataFrame, hf.HeadersFrame)
        if isinstance(frame, hf.HeadersFrame):
            self.assertEqual(frame.stream_id, 3)
        else:
            self.assertNotIsInstance(frame, hf.DataFrame)
            self.assertEqual(frame.error_code, STREAM_CLOSED)

    def test_rst_stream_on_an_idle_stream_ends_the_connection(self):
        link = self.link()
        link.send(hf.RstStreamFrame(1, error_code=8))
        self.ends_with(link, PROTOCOL_ERROR)

    def test_window_update_on_an_idle_stream_ends_the_connection(self):
        link = self.link()
        link.send(hf.WindowUpdateFrame(1, window_increment=1))
        self.ends_with(link, PROTOCOL_ERROR)

    def test_more_streams_than_allowed_are_refused(self):
        link = self.link()
        for stream in range(1, 2 * 200, 2):  # all open: no END_STREAM
            link.send(link.headers_frame(stream, POST, end_stream=False))
        frame = link.until(hf.RstStreamFrame, hf.GoAwayFrame)
        self.assertIn(frame.error_code, (REFUSED_STREAM, PROTOCOL_ERROR, ENHANCE_YOUR_CALM))

    def test_a_stream_that_depends_on_itself_does_no_harm(self):
        link = self.link()
        link.send(hf.PriorityFrame(1, depends_on=1))
        link.headers(1, GET)
        frame = link.until(hf.HeadersFrame, hf.GoAwayFrame, hf.RstStreamFrame)
        if not isinstance(frame, hf.HeadersFrame):  # RFC 9113 no longer knows priorities
            self.assertEqual(frame.error_code, PROTOCOL_ERROR)

    # ---- clause 6: frame types -----------------------------------------------------------------

    def test_padding_that_is_longer_than_the_frame_ends_the_connection(self):
        link = self.link()
        link.headers(1, POST, end_stream=False)
        link.send_raw(b"\x00\x00\x03\x00\x08" + struct.pack(">I", 1) + b"\x09ab")
        self.ends_with(link, PROTOCOL_ERROR)

    def test_padding_is_taken_off(self):
        link = self.link()
        link.headers(1, POST, end_stream=False)
        link.data(1, b"hello", end_stream=True, flags=["PADDED"], pad_length=200)
        self.assertEqual(link.status(1), 200)
        self.assertEqual(link.until(hf.DataFrame, stream=1).data, b"hello")

    def test_a_settings_frame_of_a_wrong_length_ends_the_connection(self):
        link = self.link()
        link.send_raw(b"\x00\x00\x05\x04\x00" + struct.pack(">I", 0) + b"12345")
        self.ends_with(link, FRAME_SIZE_ERROR)

    def test_settings_on_a_stream_end_the_connection(self):
        link = self.link()
        link.send_raw(b"\x00\x00\x00\x04\x00" + struct.pack(">I", 1))
        self.ends_with(link, PROTOCOL_ERROR)

    def test_a_settings_ack_with_content_ends_the_connection(self):
        link = self.link()
        link.send_raw(b"\x00\x00\x06\x04\x01" + struct.pack(">I", 0) + b"123456")
        self.ends_with(link, FRAME_SIZE_ERROR)

    def test_an_initial_window_beyond_the_maximum_ends_the_connection(self):
        link = self.link(settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 2 ** 31})
        self.ends_with(link, FLOW_CONTROL_ERROR)

    def test_a_max_frame_size_outside_its_range_ends_the_connection(self):
        link = self.link(settings={hf.SettingsFrame.MAX_FRAME_SIZE: 100})
        self.ends_with(link, PROTOCOL_ERROR)

    def test_a_ping_of_a_wrong_length_ends_the_connection(self):
        link = self.link()
        link.send_raw(b"\x00\x00\x07\x06\x00" + struct.pack(">I", 0) + b"1234567")
        self.ends_with(link, FRAME_SIZE_ERROR)

    def test_a_ping_is_answered(self):
        link = self.link()
        link.send(hf.PingFrame(0, opaque_data=b"12345678"))
        answer = link.until(hf.PingFrame)
        self.assertIn("ACK", answer.flags)
        self.assertEqual(answer.opaque_data, b"12345678")

    def test_a_push_promise_from_a_client_ends_the_connection(self):
        link = self.link()
        link.headers(1, POST, end_stream=False)
        link.send(hf.PushPromiseFrame(1, promised_stream_id=2, data=b"", flags=["END_HEADERS"]))
        self.ends_with(link, PROTOCOL_ERROR)

    def test_a_goaway_in_flight_still_lets_the_open_stream_end(self):
        link = self.link()
        link.headers(1, POST, end_stream=False)
        link.send(hf.GoAwayFrame(0, last_stream_id=0, error_code=0))
        link.data(1, b"late", end_stream=True)
        self.assertEqual(link.status(1), 200)
        self.assertEqual(link.until(hf.DataFrame, stream=1).data, b"late")

    def test_a_window_increment_of_zero_is_refused(self):
        link = self.link()
        link.send_raw(b"\x00\x00\x04\x08\x00" + struct.pack(">II", 0, 0))
        self.ends_with(link, PROTOCOL_ERROR)

    def test_a_window_beyond_the_maximum_ends_the_connection(self):
        link = self.link()
        link.send(hf.WindowUpdateFrame(0, window_increment=2 ** 31 - 1))
        self.ends_with(link, FLOW_CONTROL_ERROR)

    def test_a_stream_window_beyond_the_maximum_resets_the_stream(self):
        link = self.link()
        link.headers(1, POST, end_stream=False)
        link.send(hf.WindowUpdateFrame(1, window_increment=2 ** 31 - 1))
        self.assertEqual(link.reset_code(1), FLOW_CONTROL_ERROR)

    def test_an_answer_waits_for_a_window_that_is_zero(self):
        link = self.link(settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 0})
        link.headers(1, POST, end_stream=False)
        link.data(1, b"hello", end_stream=True)
        self.assertEqual(link.status(1), 200)
        link.send(hf.PingFrame(0, opaque_data=b"12345678"))
        while True:
            frame = link.next_frame()
            self.assertNotIsInstance(frame, hf.DataFrame)
            if isinstance(frame, hf.PingFrame):
                break
        link.send(hf.WindowUpdateFrame(1, window_increment=100))
        self.assertEqual(link.until(hf.DataFrame, stream=1).data, b"hello")

    def test_a_window_that_stays_zero_is_not_waited_for(self):
        link = self.link(hasty=True, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 0})
        link.headers(1, POST, end_stream=False)
        link.data(1, b"hello", end_stream=True)
        self.assertTrue(link.closes())

    # ---- clause 8: messages --------------------------------------------------------------------

    def refused_message(self, fields, **how):
        link = self.link()
        link.headers(1, fields, **how)
        frame = link.until(hf.HeadersFrame, hf.RstStreamFrame, hf.GoAwayFrame)
        if isinstance(frame, hf.HeadersFrame):
            self.assertEqual(frame.fields[":status"], "400")
        else:
            self.assertEqual(frame.error_code, PROTOCOL_ERROR)

    def test_a_request_without_a_pseudo_header_is_refused(self):
        for missing in (":method", ":scheme", ":path"):
            with self.subTest(missing):
                self.refused_message([field for field in GET if field[0] != missing])

    def test_a_request_without_authority_and_host_is_refused(self):
        self.refused_message(GET[:3])

    def test_host_stands_in_for_authority(self):
        link = self.link()
        link.headers(1, GET[:3] + [("host", "a")])
        self.assertEqual(link.status(1), 200)

    def test_a_host_that_differs_from_authority_is_refused(self):
        self.refused_message(GET + [("host", "b")])

    def test_a_pseudo_header_twice_is_refused(self):
        self.refused_message([GET[0]] + GET)

    def test_an_unknown_pseudo_header_is_refused(self):
        self.refused_message(GET + [(":other", "x")])

    def test_a_pseudo_header_after_a_field_is_refused(self):
        self.refused_message(GET[:3] + [("x", "y"), GET[3]])

    def test_an_upper_case_name_is_refused(self):
        self.refused_message(GET + [("X-Upper", "y")])

    def test_connection_specific_fields_are_refused(self):
        for field in (("connection", "close"), ("keep-alive", "1"), ("transfer-encoding", "chunked"), ("upgrade", "x"),
                      ("proxy-connection", "x"), ("te", "gzip")):
            with self.subTest(field[0]):
                self.refused_message(GET + [field])

    def test_control_bytes_in_a_value_are_refused(self):
        for byte in ("\r", "\n", "\x00"):
            with self.subTest(repr(byte)):
                self.refused_message(GET + [("x", "a" + byte + "b")])

    def test_an_empty_path_is_refused(self):
        self.refused_message([GET[0], GET[1], (":path", ""), GET[3]])

    def test_less_data_than_the_content_length_is_refused(self):
        link = self.link()
        link.headers(1, POST + [("content-length", "5")], end_stream=False)
        link.data(1, b"abc", end_stream=True)
        self.assertEqual(link.reset_code(1), PROTOCOL_ERROR)

    def test_more_data_than_the_content_length_is_refused(self):
        link = self.link()
        link.headers(1, POST + [("content-length", "2")], end_stream=False)
        link.data(1, b"abc", end_stream=True)
        self.assertEqual(link.reset_code(1), PROTOCOL_ERROR)

    def test_a_content_length_with_no_data_is_refused(self):
        self.refused_message(POST + [("content-length", "2")])

    def test_trailers_are_read_past(self):
        link = self.link()
        link.headers(1, POST, end_stream=False)
        link.data(1, b"hello")
        link.headers(1, [("x-trailer", "y")])
        self.assertEqual(link.status(1), 200)
        self.assertEqual(link.until(hf.DataFrame, stream=1).data, b"hello")

    def test_trailers_without_end_stream_are_refused(self):
        link = self.link()
        link.headers(1, POST, end_stream=False)
        link.headers(1, [("x-trailer", "y")], end_stream=False)
        frame = link.until(hf.RstStreamFrame, hf.GoAwayFrame)
        self.assertEqual(frame.error_code, PROTOCOL_ERROR)

    def test_connect_is_answered_501(self):
        link = self.link()
        link.headers(1, [(":method", "CONNECT"), (":authority", "a:80")], end_stream=False)
        self.assertEqual(link.status(1), 501)

    # ---- limits and floods ---------------------------------------------------------------------

    def test_header_fields_beyond_the_limit_are_answered_431(self):
        link = self.link()
        fields = GET + [("x", "y" * 6000)] * 3
        block = link.encoder.encode([(n, v) for n, v in fields], huffman=False)
        first, *rest = [block[i:i + 16000] for i in range(0, len(block), 16000)]
        frame = hf.HeadersFrame(1, data=first, flags=["END_STREAM"])
        link.send(frame)
        for i, part in enumerate(rest):
            link.send(hf.ContinuationFrame(1, data=part, flags=["END_HEADERS"] if i == len(rest) - 1 else []))
        if not rest:
            self.skipTest("one block held all")
        self.assertEqual(link.status(1), 431)

    def test_a_body_beyond_the_limit_is_answered_413_and_the_stream_reset(self):
        link = self.link()
        link.headers(1, POST + [("content-length", str(BODY_BYTES_MAX + 1))], end_stream=False)
        self.assertEqual(link.status(1), 413)
        self.assertEqual(link.reset_code(1), 0)
        link.headers(3, GET)
        self.assertEqual(link.status(3), 200)

    def test_a_body_that_never_ends_is_answered_408(self):
        link = self.link(hasty=True)
        link.headers(1, POST, end_stream=False)
        self.assertEqual(link.status(1), 408)

    def test_an_hpack_bomb_ends_the_connection(self):
        link = self.link()
        link.headers(1, GET + [("x-bomb", "y" * 3900)])
        self.assertEqual(link.status(1), 200)
        # One byte each, 3.9 kB each when unpacked: index 62 is the newest entry of the table.
        block = b"\x82\x86\x84\x01\x01a" + b"\xbe" * 8000
        link.send(hf.HeadersFrame(3, data=block, flags=["END_HEADERS", "END_STREAM"]))
        code = link.goaway_code()
        self.assertIn(code, (ENHANCE_YOUR_CALM, None))
        self.assertTrue(link.closes())

    def test_a_continuation_flood_ends_the_connection(self):
        link = self.link()
        link.headers(1, GET, end_headers=False)
        for _ in range(200):
            link.send(hf.ContinuationFrame(1, data=hpack.Encoder().encode([("x", "y")])))
        self.assertTrue(link.closes())

    def test_a_flood_of_empty_continuations_ends_the_connection(self):
        link = self.link()
        link.headers(1, GET, end_headers=False)
        for _ in range(200):
            link.send(hf.ContinuationFrame(1, data=b""))
        self.assertTrue(link.closes())

    def test_rapid_reset_ends_the_connection(self):
        link = self.link()
        for stream in range(1, 2 * 3000, 2):
            link.send(link.headers_frame(stream, POST, end_stream=False), hf.RstStreamFrame(stream, error_code=8))
        self.assertTrue(link.closes())

    def flood(self, frame, count=20000):
        link = self.link()
        raw = frame.serialize() * 100
        for _ in range(count // 100):
            link.send_raw(raw)
        self.assertTrue(link.closes())

    def test_a_settings_flood_ends_the_connection(self):
        self.flood(hf.SettingsFrame(0))

    def test_a_ping_flood_ends_the_connection(self):
        self.flood(hf.PingFrame(0, opaque_data=b"12345678"))

    def test_a_priority_flood_ends_the_connection(self):
        self.flood(hf.PriorityFrame(1, depends_on=0))

    def test_a_window_update_flood_ends_the_connection(self):
        self.flood(hf.WindowUpdateFrame(0, window_increment=1))

    def test_a_flood_of_unknown_frames_does_no_harm(self):
        link = self.link()
        link.send_raw((b"\x00\x00\x00\xfa\x00" + struct.pack(">I", 0)) * 5000)
        link.headers(1, GET)
        try:
            self.assertEqual(link.status(1), 200)
        except Closed:
            pass  # ended as a flood: as good

    def test_a_flood_of_empty_data_frames_ends_the_connection(self):
        link = self.link()
        link.headers(1, POST, end_stream=False)
        raw = hf.DataFrame(1, data=b"").serialize() * 100
        for _ in range(200):
            link.send_raw(raw)
        self.assertTrue(link.closes())

    def test_a_client_that_hangs_up_in_the_middle_does_no_harm(self):
        for cut in (10, 24, 30, 40, 60):
            link = Link(self.port, greet=False)
            frame = hf.SettingsFrame(0).serialize() + link.headers_frame(1, POST, end_stream=False).serialize()
            link.send_raw((PREFACE + frame)[:cut])
            link.socket.close()


class Server:
    def __init__(self, *words):
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def end(self):
        """True where it was still there."""
        alive = self.process.poll() is None
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)
        return alive


def main():
    binary = sys.argv.pop(1)
    patient, hasty = Server(binary), Server(binary, "--quick")
    frames.port, frames.hasty_port = patient.port, hasty.port
    try:
        ok = unittest.main(exit=False, verbosity=1).result.wasSuccessful()
    finally:
        alive = [server.end() for server in (patient, hasty)]
    sys.exit(0 if ok and all(alive) else 1)


if __name__ == "__main__":
    main()
