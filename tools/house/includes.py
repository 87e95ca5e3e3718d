"""Who may include whom (docs/adr/0001-include-rules.md)."""

import re

from house.tree import Finding, code_only, numbered

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = (".hpp", ".cpp", ".h", ".c", ".cc")

# Our folders as they appear in an #include: first path component, or two for those with siblings.
LAYERS_WITH_SIBLINGS = ("wire", "services", "adapters", "energy")
LAYERS = ("base", "model", "wire", "api", "sync", "services", "dataplane", "relay", "mmec", "energy", "runtime",
          "adapters", "sim")
DOMAIN = ("services", "dataplane", "relay", "energy")
# `sync` is what the metaverse enabler, SEALDD and the client decide alike about synchronisation sessions
# (the merge of policies, schedules, tiers): below them, since siblings do not see each other, and above
# the API types that it speaks of.

# wire/resource joins HTTP messages and JSON; UDP options lie in a packet's surplus area, XRM
# metadata in a UDP option, their keys are agreed on in JSON, a capture's records hold packets, a
# manifest URLs, and data of media clients in queries; the other codecs stand alone.
WIRE_SEES = {
    "wire/resource": ("wire/http", "wire/json"),
    "wire/udp_options": ("wire/packet",),
    "wire/xrm": ("wire/packet", "wire/udp_options"),
    "wire/xrm_keys": ("wire/xrm", "wire/json"),
    "wire/capture": ("wire/packet",),
    "wire/manifest": ("wire/http",),
    "wire/cmcd": ("wire/http",),
}

# The planner is one of numbers: neither messages nor their schemas. The meter counts for it, by the log of a
# media server, whose URLs name sessions; steering
# turns its plan into answers for players, whose queries and manifests are its messages. The client is the
# other end of the AF's APIs.
ENERGY_SEES = {
    "energy/meter": ("energy", "wire/cmcd", "wire/http"),
    "energy/steering": ("energy", "wire/http", "wire/json"),
    "energy/client": ("wire/http", "wire/json", "wire/qoe", "api"),
}

# Packets of a capture file come through the port of packets as well, with its one reader and writer.
# UDP runs on the event loop of the control plane, which stands with HTTP, and so do TLS and the
# connections that a key channel has. QUIC runs over UDP. Sockets and devices of the user plane hold its descriptors that
# close themselves.
ADAPTERS_SEE = {"adapters/packet_io": ("adapters/capture",),
                "adapters/udp": ("adapters/http", "adapters/capture"),
                "adapters/key_channel": ("adapters/http",), "adapters/tun": ("adapters/capture",),
                "adapters/quic": ("adapters/http", "adapters/udp", "adapters/capture"),
                "adapters/impair": ("adapters/http", "adapters/tun", "adapters/udp"),
                "adapters/webtransport": ("adapters/quic",),
                "adapters/websocket": ("adapters/http", "adapters/quic", "adapters/udp")}


def layer_of_source(path):
    """The layer that a file of src/ belongs to; None for a file outside src/."""
    parts = path.split("/")
    if parts[0] != "src" or len(parts) < 3:
        return None
    if parts[1] in LAYERS_WITH_SIBLINGS and len(parts) > 3:
        return f"{parts[1]}/{parts[2]}"
    return parts[1]


def layer_of_include(name):
    """The layer that an included header belongs to; None for one that is not ours."""
    parts = name.split("/")
    if parts[0] not in LAYERS or len(parts) < 2:
        return None
    if parts[0] in LAYERS_WITH_SIBLINGS and len(parts) > 2:
        return f"{parts[0]}/{parts[1]}"
    return parts[0]


def may_see(source, target):
    if source == target:
        return True
    top_source, top_target = source.split("/")[0], target.split("/")[0]
    if top_source == "base":
        return False
    if top_source == "model":
        return target == "base"
    if top_source == "wire":
        return target in ("base", "model") or target in WIRE_SEES.get(source, ())
    if top_source == "energy":
        return target in ("base", "model") or target in ENERGY_SEES.get(source, ())
    below_wire = top_target in ("base", "model", "wire")
    if top_source == "sync":
        return below_wire or target == "api"
    if top_source in DOMAIN:
        return below_wire or target in ("api", "sync")
    if top_source == "mmec":  # the enabler's client stands on the client of sdd/1
        return below_wire or target in ("api", "sync", "relay")
    if top_source == "runtime":
        return below_wire
    if top_source in ("adapters", "sim"):
        return below_wire or target == "runtime" or target in ADAPTERS_SEE.get(source, ())
    return False


def arrows(tree):
    for path, text in tree.texts(*SOURCES, under=("src/",)):
        source = layer_of_source(path)
        for line, content in numbered(code_only(text)):
            match = INCLUDE.match(content)
            if not match:
                continue
            quote, name = match.groups()
            target = layer_of_include(name)
            if target is None:
                of_tests = path.endswith("_test.cpp") and name.startswith("support/")
                if quote == '"' and not of_tests:
                    yield Finding(path, line, "include", f'"{name}" is no header of src/: write the '
                                  "path from src/, or <…> for what is not ours")
            elif source is not None and not may_see(source, target):
                yield Finding(path, line, "include", f"{source} may not see {target} ({name})")


# Header (as a pattern) -> the Debian package that brings it, where it may be included, and in how
# many files at most (0: any number). An empty tuple of places: anywhere.
TESTS_AND_MEASURES = ("tests/", "fuzz/", "bench/")
# (file, header) -> why it may look over the fence. Short on purpose.
GATES = {
    ("src/wire/resource/effect.cpp", "simdjson.h"): "the outbox has one fixed form, older than the API types",
    ("apps/lobo/cmd_version.cpp", "nghttp2/nghttp2.h"): "asks for the version of the library, nothing else",
    ("apps/lobo/cmd_version.cpp", "openssl/crypto.h"): "asks for the version of the library, nothing else",
    ("apps/lobo/cmd_version.cpp", "sqlite3.h"): "asks for the version of the library, nothing else",
}
THIRD_PARTY = (
    (r"fmt/", "libfmt-dev", (), 0),
    (r"pugixml\.hpp", "libpugixml-dev", ("src/wire/manifest/", "src/wire/pm/", "src/wire/qoe/"), 0),
    (r"zlib\.h", "zlib1g-dev", ("src/wire/qoe/",), 1),
    (r"cbor\.h", "libcbor-dev", ("src/wire/sdd/",), 1),
    (r"tl/expected\.hpp", "libexpected-dev", (), 0),
    (r"boost/", "libboost1.81-dev", ("src/adapters/http/", "src/adapters/udp/",
                                           "src/adapters/websocket/"), 0),
    (r"nghttp2/", "libnghttp2-dev", ("src/adapters/http/",), 0),
    (r"openssl/", "libssl-dev", ("src/adapters/crypto/", "src/adapters/http/", "src/adapters/aead/"), 0),
    (r"ngtcp2/", "libngtcp2-dev", ("src/adapters/quic/ngtcp2/",), 0),
    (r"enet/", "libenet-dev", (), 0),
    (r"nghttp3/", "libnghttp3-dev", ("src/adapters/webtransport/",), 0),
    (r"gnutls/", "libgnutls28-dev", ("src/adapters/quic/ngtcp2/",), 0),
    (r"intel-ipsec-mb\.h", "libipsec-mb-dev", ("src/adapters/aead/",), 0),
    (r"xdp/", "libxdp-dev", ("src/adapters/packet_io/",), 0),
    (r"bpf/", "libbpf-dev", ("src/adapters/packet_io/",), 0),
    (r"rte_", "libdpdk-dev", ("src/adapters/packet_io/dpdk_device.cpp",), 1),
    (r"sodium\.h", "libsodium-dev", (), 0),
    (r"(cjose/|jansson\.h)", "libcjose-dev", ("src/adapters/crypto/",), 0),
    (r"sqlite3\.h", "libsqlite3-dev", ("src/adapters/store/",), 0),
    (r"simdjson\.h", "libsimdjson-dev", ("src/wire/json/",), 1),
    (r"spdlog/", "libspdlog-dev", ("src/adapters/metrics/", "src/adapters/log/"), 0),
    (r"prometheus/", "prometheus-cpp-dev", ("src/adapters/metrics/",), 0),
    (r"yaml-cpp/", "libyaml-cpp-dev", ("src/adapters/config/", "apps/"), 0),
    (r"CLI/", "libcli11-dev", ("apps/",), 0),
    (r"(gtest|gmock)/", "libgtest-dev", ("_test.cpp", "_test_support.hpp"), 0),
    (r"rapidcheck", "librapidcheck-dev", ("_test.cpp",), 0),
    (r"benchmark/", "libbenchmark-dev", (), 0),
    (r"gst/", "libgstreamer-plugins-base1.0-dev", (), 0),
)


def third_party_of(name):
    for pattern, package, places, files_max in THIRD_PARTY:
        if re.match(pattern, name):
            return pattern, package, places, files_max
    return None


def fences(tree):
    """A library stays behind the one folder that was written for it."""
    users = {}
    for path, text in tree.texts(*SOURCES):
        for line, content in numbered(code_only(text)):
            match = INCLUDE.match(content)
            entry = third_party_of(match.group(2)) if match else None
            if entry is None or (path, match.group(2)) in GATES:
                continue
            pattern, _, places, files_max = entry
            users.setdefault((pattern, files_max), {}).setdefault(path, line)
            if not places or path.startswith(TESTS_AND_MEASURES):
                continue
            if not any(path.startswith(place) or path.endswith(place) for place in places):
                yield Finding(path, line, "fence",
                              f"<{match.group(2)}> belongs into {' or '.join(places)} only")
    for (pattern, files_max), paths in users.items():
        ours = {path: line for path, line in paths.items() if not path.startswith(TESTS_AND_MEASURES)}
        if files_max and len(ours) > files_max:
            for path, line in sorted(ours.items()):
                yield Finding(path, line, "fence", f"{pattern} is included by {len(ours)} files, "
                              f"at most {files_max} may: it is slow to compile")


RULES = (arrows, fences)
