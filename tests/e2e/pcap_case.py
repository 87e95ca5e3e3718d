"""What tests of lobo pcap have in common."""

import json

import harness

KEYS = """lobodon-xrm-keys 1
context id=7 alg=aes-128-gcm key=000102030405060708090a0b0c0d0e0f iv=a0a1a2a3a4a5a6a7a8a9aaab
"""
OTHER_KEYS = KEYS.replace("000102", "ff0102")


def one_object(pairs):
    """A JSON object whose names are all different, as RFC 8259 wants them."""
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError(f"a name twice: {names}")
    return dict(pairs)


class PcapCase(harness.Case):
    def put(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def lines(self, *words, exit_code=0):
        text = self.lobo("pcap", "inspect", *words, "-o", "json", exit_code=exit_code)
        return [json.loads(line, object_pairs_hook=one_object) for line in text.splitlines()]

    def marked(self, data, *words, name="plain"):
        """The marked capture's path; the plain one is beside it."""
        plain = self.put(name + ".pcap", data)
        self.lobo("pcap", "mark", plain, *words, "-o", self.folder / "marked.pcap")
        return self.folder / "marked.pcap"

    def strips_to(self, marked, data):
        self.lobo("pcap", "strip", marked, "-o", self.folder / "stripped.pcap")
        self.assertEqual((self.folder / "stripped.pcap").read_bytes(), data)
