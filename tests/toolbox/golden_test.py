#!/usr/bin/env python3
"""The vectors of tests/golden/, read by the second reader: what their texts say is not only what
src/ makes of them. Also the published vectors of the XRM option."""

import pathlib
import sys
import unittest

import xrm_decoder as x

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


def vectors(codec):
    found = sorted((GOLDEN / codec).glob("*.hex"))
    assert found, codec
    for path in found:
        text = "".join(line.split("#")[0] for line in path.read_text().splitlines())
        lines = path.with_suffix(".txt").read_text().splitlines()
        yield path.stem, bytes.fromhex("".join(text.split())), [line for line in lines if line[:1] != "#"]


def packet_lines(data, link):
    p = x.read_ethernet(data) if link == "ethernet" else x.read_ip(data)
    lines = [f"link = {link}", f"unread = {p['unread']}"]
    if "version" not in p:
        return lines
    part = p["fragment"]
    where = f"{part[0]} at {part[1]} {'more' if part[2] else 'last'}" if part else "0 whole"
    return lines + [
        f"vlan_tags = {p['vlan_tags']}", f"ip = {p['version']} at {p['ip_at']} to {p['ip_end']}",
        f"protocol = {p['protocol']} at {p['transport_at']}",
        f"flow = {p['source']} {p['sport']} > {p['destination']} {p['dport']}", f"fragment = {where}",
        f"user_data = {p['user_at']} to {p['user_end']}" if p["has_udp"] else "user_data = none",
        f"surplus = {len(p['surplus'])}", f"udp_checksum = {p['checksum']}"]


def option_lines(data):
    read = x.decode(data, "raw")["surplus"]
    lines = [f"verdict = {read['verdict']}"]
    if read["verdict"] != "accepted":
        return lines
    lines.append(f"ocs = {read['ocs']:04x}")
    for option in read["options"]:
        name = x.NAMES.get(option["kind"], option["kind"])
        lines.append(f"option = {option['at']} {name} {option['length']} {option['value'].hex() or '-'}")
    if "apc" in read:
        lines.append(f"apc = {read['apc']}")
    for name in ("nop_run", "repeated", "unknown_safe", "unexpected_length", "must_support_late",
                 "trailing_not_zero", "checksum_unused"):
        if read["remarks"].get(name):
            lines.append(f"{name} = {read['remarks'][name]}")
    if read["fragment_data"] is not None:
        lines.append(f"fragment_data = {read['fragment_data'].hex()}")
    return lines


def mark_text(mark):
    return " ".join(f"{name}={mark[name]}" for name in ("E", "D", "PSI", "PSSN", "PSN", "PSSize", "NPDS")
                    if name in mark)


def rtp_lines(data):
    r = x.read_rtp(data)
    lines = [f"rtp = {r['rtp']}"]
    if r["rtp"] != "it_is":
        return lines
    mark = x.read_rtp_mark(r, 1)
    return lines + [
        f"pt = {r['pt']}{' marker' if r['marker'] else ''}", f"sequence = {r['sequence']}",
        f"timestamp = {r['timestamp']}", f"ssrc = {r['ssrc']:08x}", f"csrc = {r['csrc']}", f"form = {r['form']}",
        *(f"element = {name} {value.hex() or '-'}" for name, value in r["elements"]),
        f"mark = {mark if isinstance(mark, str) else mark_text(mark)}", f"payload = {r['payload'].hex()}"]


def session_text(session):
    if isinstance(session, str):
        return session
    text = f"{session['direction']} qfi={session['qfi']}{' rqi' if session.get('rqi') else ''}"
    if "sent" in session:
        session = dict(session, sent=f"{session['sent']:x}")
    if "stamps" in session:
        session = dict(session, stamps=",".join(map(str, session["stamps"])))
    for name in ("ppi", "sent", "stamps", "dl_delay", "ul_delay", "qfi_sn", "mbs_qfi_sn", "n3_n9_delay",
                 "d1_ul_pdcp_delay", "ul_congestion", "dl_congestion", "ul_bitrate", "dl_bitrate", "BSize", "TTNB"):
        if name in session:
            text += f" {name}={session[name]}"
    return text


def gtpu_lines(data):
    g = x.read_gtpu(data)
    lines = [f"gtpu = {g['gtpu']}"]
    if g["gtpu"] != "it_is":
        return lines
    lines += [f"type = {g['type']}", f"teid = {g['teid']:08x}"]
    if "sequence" in g:
        lines.append(f"sequence = {g['sequence']}")
    lines += [f"extension = {kind:02x} {content.hex()}" for kind, content in g["extensions"]]
    if "session" in g:
        lines.append(f"session = {session_text(g['session'])}")
    if "set" in g:
        info = g["set"]
        lines.append(f"set = {info}" if isinstance(info, str) else
                     f"set = qfi={info['qfi']} {mark_text(info['mark'])}")
    return lines + [f"payload = {g['payload'].hex() or '-'}"]


class Golden(unittest.TestCase):
    def hold(self, codec, read):
        for name, data, expected in vectors(codec):
            with self.subTest(codec=codec, vector=name):
                self.assertEqual(read(data, expected), expected)

    def test_packets_are_read_as_their_texts_say(self):
        self.hold("packet", lambda data, lines: packet_lines(data, lines[0].removeprefix("link = ")))

    def test_udp_options_are_read_as_their_texts_say(self):
        self.hold("udp_options", lambda data, lines: option_lines(data))

    def test_rtp_is_read_as_its_texts_say(self):
        self.hold("rtp", lambda data, lines: rtp_lines(data))

    def test_gtpu_is_read_as_its_texts_say(self):
        self.hold("gtpu", lambda data, lines: gtpu_lines(data))


FULL = {"E": 1, "D": 0, "PSI": 1, "PSSN": 341, "PSN": 42, "PSSize": 30000, "NPDS": 25, "BSize": 100000, "TTNB": 167}
SEALED = bytes.fromhex("800700010000002a0e2a06a3db84a2876ed56b00a715806c6bd9709c18142a494551ba4f00c17146")
HEADER = bytes.fromhex("0fa0138c04b81234")


def says(lines):
    return dict(line.split(" ", 1) for line in lines if " " in line)


class Xrm(unittest.TestCase):
    def setUp(self):
        self.contexts = x.read_keys("lobodon-xrm-keys 1\ncontext id=7 alg=aes-128-gcm "
                                    "key=000102030405060708090a0b0c0d0e0f iv=a0a1a2a3a4a5a6a7a8a9aaab\n")
        try:
            import cryptography  # noqa: F401  (only whether it is there)
        except ImportError:
            self.contexts = None

    def test_the_clear_form_in_its_shortest_and_longest_vector(self):
        self.assertEqual(x.read_xrm_clear(bytes.fromhex("0381556a0000")),
                         {name: FULL[name] for name in ("E", "D", "PSI", "PSSN", "PSN")})
        self.assertEqual(x.read_xrm_clear(bytes.fromhex("0381556a050075300019050186a000a7")), FULL)
        self.assertIsNone(x.read_xrm_clear(bytes.fromhex("0381556a0600")))

    def test_the_vectors_of_the_option_say_what_their_texts_say(self):
        if self.contexts is None:
            self.skipTest("python3-cryptography is not installed")
        read = 0
        for name, option, lines in vectors("xrm"):
            told = says(lines)
            if name.startswith(("draft_", "refused_")) or (told.get("form") == "protected" and "udp" not in told):
                continue  # other readings of the draft are the product's own affair
            body = option[4 if option[0] == 127 else 2:]
            contexts = {int(told["key_id"]): dict(told, tag=int(told["tag"]))} if "key" in told else {}
            found = x.read_xrm(body, contexts, bytes.fromhex(told.get("udp", "")))
            with self.subTest(vector=name):
                if "refused" in told:
                    self.assertNotEqual(found["verdict"], "ok")
                    continue
                self.assertEqual(found["verdict"], "ok")
                mark = {key.lower(): value for key, value in found["mark"].items()}
                fields = ("e", "d", "psi", "pssn", "psn", "pssize", "npds", "bsize", "ttnb", "psn16")
                self.assertEqual(mark, {key: int(told[key]) for key in fields if key in told})
                read += 1
        self.assertGreater(read, 10)

    def test_the_protected_vector_opens_and_a_changed_bit_does_not(self):
        if self.contexts is None:
            self.skipTest("python3-cryptography is not installed")
        contexts = self.contexts
        self.assertEqual(x.read_xrm(SEALED, contexts, HEADER)["mark"], FULL)
        for at in range(len(SEALED)):
            changed = SEALED[:at] + bytes([SEALED[at] ^ 1]) + SEALED[at + 1:]
            self.assertNotEqual(x.read_xrm(changed, contexts, HEADER)["verdict"], "ok", at)
        self.assertEqual(x.read_xrm(SEALED, contexts, HEADER[:7] + b"\0")["verdict"], "forged")
        self.assertEqual(x.read_xrm(SEALED, {}, HEADER)["verdict"], "no_context")


def main():
    result = unittest.main(verbosity=1, exit=False).result
    for _, reason in result.skipped:
        print(f"SKIP: {reason}")
    return 1 if not result.wasSuccessful() else 77 if result.skipped else 0


if __name__ == "__main__":
    sys.exit(main())
