#!/usr/bin/env python3
"""Each rule of the house refuses what it is there to refuse, and lets the neighbour pass."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from house import code, includes, parts, texts  # noqa: E402
from house.tree import Tree, code_only  # noqa: E402


def found(rule, files):
    return [finding.message for finding in rule(Tree(files))]


class Includes(unittest.TestCase):
    def arrow(self, path, header):
        return found(includes.arrows, {path: f'#include "{header}"\n'})

    def test_an_arrow_downwards_is_allowed(self):
        for path, header in [("src/model/a.cpp", "base/b.hpp"), ("src/wire/resource/a.hpp", "wire/json/b.hpp"),
                             ("src/services/seal_nrm/a.cpp", "api/ss_nra.hpp"),
                             ("src/runtime/a.cpp", "wire/http/b.hpp"), ("src/adapters/store/a.cpp", "runtime/ports.hpp"),
                             ("src/sim/a.cpp", "runtime/ports.hpp"), ("src/sim/a.cpp", "sim/b.hpp"),
                             ("src/adapters/packet_io/a.cpp", "adapters/capture/b.hpp")]:
            self.assertEqual([], self.arrow(path, header), (path, header))

    def test_an_arrow_upwards_or_sideways_is_refused(self):
        for path, header in [("src/base/a.cpp", "model/b.hpp"), ("src/model/a.cpp", "wire/http/b.hpp"),
                             ("src/wire/json/a.cpp", "wire/http/b.hpp"), ("src/wire/http/a.cpp", "runtime/ports.hpp"),
                             ("src/services/seal_nrm/a.cpp", "services/core_sim/b.hpp"),
                             ("src/services/seal_nrm/a.cpp", "runtime/ports.hpp"),
                             ("src/runtime/a.cpp", "services/seal_nrm/b.hpp"), ("src/runtime/a.cpp", "sim/b.hpp"),
                             ("src/runtime/a.cpp", "api/ss_nra.hpp"),
                             ("src/adapters/store/a.cpp", "adapters/http/b.hpp"),
                             ("src/adapters/capture/a.cpp", "adapters/packet_io/b.hpp"),
                             ("src/adapters/store/a.cpp", "sim/b.hpp"), ("src/sim/a.cpp", "adapters/store/b.hpp")]:
            self.assertEqual(1, len(self.arrow(path, header)), (path, header))

    def test_a_quoted_header_that_is_not_written_from_src_is_refused(self):
        self.assertEqual(1, len(self.arrow("src/base/a.cpp", "b.hpp")))

    def test_an_include_in_a_comment_is_no_include(self):
        self.assertEqual([], found(includes.arrows, {"src/base/a.cpp": '// #include "sim/b.hpp"\n'}))

    def test_a_library_stays_behind_its_adapter(self):
        self.assertEqual([], found(includes.fences, {"src/adapters/http/a.cpp": "#include <boost/asio.hpp>\n"}))
        for path, header in [("src/runtime/a.cpp", "boost/asio.hpp"), ("apps/lobo/a.cpp", "nghttp2/nghttp2.h"),
                             ("src/adapters/store/a.cpp", "openssl/ssl.h"), ("src/base/a.cpp", "sqlite3.h"),
                             ("src/wire/http/a.cpp", "simdjson.h"), ("src/runtime/a.cpp", "spdlog/spdlog.h"),
                             ("apps/lobo/a.cpp", "prometheus/registry.h"), ("src/sim/a.cpp", "yaml-cpp/yaml.h"),
                             ("src/runtime/a.cpp", "CLI/CLI.hpp"), ("src/base/a.cpp", "gtest/gtest.h")]:
            self.assertEqual(1, len(found(includes.fences, {path: f"#include <{header}>\n"})), (path, header))

    def test_the_json_parser_is_included_by_one_file(self):
        text = "#include <simdjson.h>\n"
        self.assertEqual([], found(includes.fences, {"src/wire/json/a.cpp": text}))
        self.assertEqual(2, len(found(includes.fences, {"src/wire/json/a.cpp": text, "src/wire/json/b.cpp": text})))


class EnergyPlanner(unittest.TestCase):
    def test_it_sees_base_and_model_and_nothing_else(self):
        for name, count in [("base/rng.hpp", 0), ("model/bit_rate.hpp", 0), ("energy/plan.hpp", 0),
                            ("wire/http/message.hpp", 1), ("api/a.hpp", 1), ("dataplane/a.hpp", 1)]:
            self.assertEqual(count, len(found(includes.arrows, {"src/energy/a.cpp": f'#include "{name}"\n'})), name)


class Code(unittest.TestCase):
    def test_comments_and_literals_are_not_code(self):
        text = 'int a = 1\'000; // getenv("X")\nauto b = "assert(1) // no"; auto c = R"(\nassert(0))"; char d = \'"\';\n'
        code_of = code_only(text)
        self.assertNotIn("assert", code_of)
        self.assertNotIn("getenv", code_of)
        self.assertIn("1'000", code_of)
        self.assertEqual(text.count("\n"), code_of.count("\n"))

    def test_the_domain_touches_nothing_of_the_world(self):
        for line in ["#include <thread>", "#include <mutex>", "#include <random>", "#include <iostream>",
                     "#include <sys/socket.h>", "auto t = std::chrono::system_clock::now();",
                     "auto t = std::chrono::steady_clock::now();", "std::random_device d;",
                     'auto e = std::getenv("A");', "std::cout << 1;", "int s = ::socket(1, 2, 3);",
                     "std::jthread t;", 'std::printf("%d", 1);', "auto t = time(nullptr);"]:
            for path in ["src/services/x/a.cpp", "src/wire/http/a.cpp", "src/runtime/a.cpp", "src/sim/a.cpp"]:
                self.assertEqual(1, len(found(code.pure, {path: line + "\n"})), (path, line))
            self.assertEqual([], found(code.pure, {"src/adapters/http/a.cpp": line + "\n"}), line)

    def test_chrono_types_and_member_functions_are_no_clock(self):
        for line in ["std::chrono::sys_time<std::chrono::microseconds> t;", "clock.now();", "timer.time(0);",
                     "fmt::format(pattern, a);", "store::open(path);", "std::snprintf(a, 1, b);"]:
            self.assertEqual([], found(code.pure, {"src/wire/http/a.cpp": line + "\n"}), line)

    def test_assert_is_refused_and_static_assert_is_not(self):
        self.assertEqual(1, len(found(code.no_assert, {"src/adapters/http/a.cpp": "assert(a);\n"})))
        self.assertEqual(1, len(found(code.no_assert, {"src/base/a.cpp": "#include <cassert>\n"})))
        self.assertEqual([], found(code.no_assert, {"src/base/a.cpp": "static_assert(a);\n"}))

    def test_a_header_begins_with_pragma_once(self):
        self.assertEqual(1, len(found(code.headers, {"src/base/a.hpp": "// why\n#include <span>\n#pragma once\n"})))
        self.assertEqual([], found(code.headers, {"src/base/a.hpp": "// why\n#pragma once\n"}))

    def test_using_namespace_is_refused_but_for_literals_in_a_source(self):
        self.assertEqual(1, len(found(code.headers, {"src/base/a.cpp": "using namespace std;\n"})))
        self.assertEqual([], found(code.headers, {"src/base/a.cpp": "using namespace std::chrono_literals;\n"}))
        self.assertEqual(1, len(found(code.headers, {"src/base/a.hpp":
                                                     "#pragma once\nusing namespace std::literals;\n"})))

    def test_a_test_that_sleeps_is_refused(self):
        text = "std::this_thread::sleep_for(1ms);\n"
        self.assertEqual(1, len(found(code.tests_never_sleep, {"src/base/a_test.cpp": text})))
        self.assertEqual(1, len(found(code.tests_never_sleep, {"tests/scenario/a.cpp": text})))
        self.assertEqual([], found(code.tests_never_sleep, {"src/adapters/http/a.cpp": text}))

    def test_two_types_of_one_name_are_refused(self):
        one = "namespace lobo::app {\nstruct Flow {\n  int a;\n};\n}  // namespace lobo::app\n"
        self.assertEqual(1, len(found(code.one_type_of_a_name, {"apps/lobo/a.hpp": one, "apps/lobo/b.hpp": one})))
        self.assertEqual([], found(code.one_type_of_a_name, {
            "apps/lobo/a.hpp": one, "apps/lobo/b.hpp": one.replace("lobo::app", "lobo::energy")}))
        unnamed = one.replace("struct", "namespace {\nstruct").replace("};\n", "};\n}  // namespace\n")
        self.assertEqual([], found(code.one_type_of_a_name, {"apps/lobo/a.hpp": one, "apps/lobo/b.cpp": unnamed}))
        self.assertEqual(1, len(found(code.one_type_of_a_name, {"apps/lobo/a.hpp": one, "apps/lobo/b.cpp": one})))

    def test_a_file_has_an_end(self):
        self.assertEqual(1, len(found(code.length, {"src/base/a.cpp": "\n" * (code.LINES_MAX + 1)})))
        self.assertEqual([], found(code.length, {"src/base/a.cpp": "\n" * code.LINES_MAX}))


def spec_map(rows):
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def row(number, state="not yet", test="-"):
    return [f"T{number}", "14.3.2.x", "flow", "V>S", "POST /x", state, test, "-"]


ALL_ROWS = [row(number) for number in range(1, texts.TABLES + 1)]


class Texts(unittest.TestCase):
    def test_notes_for_later_are_refused(self):
        for word in ["TO" + "DO", "FIX" + "ME"]:
            self.assertEqual(1, len(found(texts.no_notes_for_later, {"docs/a.md": f"{word}: more\n"})))

    def test_foreign_places_are_refused(self):
        for text in ["/wo" + "rk/main", "see /tm" + "p/wt/x", "." + "library", "https://py" + "pi.org/simple",
                     "deb.deb" + "ian.org", "as issu" + "e 2 says", "cd /ro" + "ot/x"]:
            self.assertEqual(1, len(found(texts.no_foreign_places, {"README.md": text + "\n"})), text)
        for text in ["../shared/specs", "cmake --workflow", "src/" + "work/x", "framework/", "the issue is"]:
            self.assertEqual([], found(texts.no_foreign_places, {"README.md": text + "\n"}), text)

    def test_a_whole_spec_map_passes(self):
        self.assertEqual([], found(texts.spec_map, {texts.SPEC_MAP: spec_map(ALL_ROWS)}))

    def test_a_missing_row_or_file_or_state_is_found(self):
        self.assertEqual(1, len(found(texts.spec_map, {})))
        self.assertEqual(1, len(found(texts.spec_map, {texts.SPEC_MAP: spec_map(ALL_ROWS[:-1])})))
        self.assertEqual(1, len(found(texts.spec_map, {texts.SPEC_MAP: spec_map(ALL_ROWS[:5] + ALL_ROWS[6:])})))
        self.assertEqual(1, len(found(texts.spec_map, {texts.SPEC_MAP: spec_map([row(1, "soon")] + ALL_ROWS[1:])})))
        self.assertEqual(1, len(found(texts.spec_map, {texts.SPEC_MAP: spec_map([row(1)[:-1]] + ALL_ROWS[1:])})))

    def test_a_done_row_names_a_test_that_exists(self):
        def findings(test):
            return found(texts.spec_map, {
                texts.SPEC_MAP: spec_map([row(1, "done", test)] + ALL_ROWS[1:]),
                "src/services/x/a_test.cpp": "TEST(nrm, it_is_done) {}\n",
                "tests/e2e/a_test.py": "def test_it_works(self):\n    pass\n"})
        self.assertEqual([], findings("`nrm.it_is_done`"))
        self.assertEqual([], findings("`tests/e2e/a_test.py::test_it_works`"))
        self.assertEqual(1, len(findings("`nrm.it_is_not`")))
        self.assertEqual(1, len(findings("-")))

    def test_a_row_of_the_second_table_is_held_by_tests_as_well(self):
        def findings(*cells):
            return found(texts.spec_map, {
                texts.SPEC_MAP: spec_map([*ALL_ROWS, ["M1", "draft 2", "marking", *cells]]),
                "src/wire/x/a_test.cpp": "TEST(rtp, it_is_done) {}\n"})
        self.assertEqual([], findings("done", "`rtp.it_is_done`", "-"))
        self.assertEqual([], findings("not yet", "-", "-"))
        self.assertEqual(1, len(findings("done", "`rtp.it_is_not`", "-")))
        self.assertEqual(1, len(findings("done", "-", "-")))
        self.assertEqual(1, len(findings("done", "`rtp.it_is_done`")))

    def test_metrics_and_their_document_agree(self):
        document = {"docs/metrics.md": "| `lobo_http_requests_total` | counter |\n"}
        used = {"src/adapters/metrics/a.cpp": 'counter("lobo_http_requests_total");\n'}
        self.assertEqual([], found(texts.metrics, document | used))
        self.assertEqual(1, len(found(texts.metrics, document)))
        self.assertEqual(1, len(found(texts.metrics, document | used | {"src/runtime/b.cpp": 'f("lobo_x_total");'})))
        self.assertEqual([], found(texts.metrics, used))

    def test_a_decision_record_has_its_four_parts(self):
        whole = "".join(part + "\n" for part in texts.ADR_PARTS)
        self.assertEqual([], found(texts.decisions, {"docs/adr/0001-a.md": whole}))
        self.assertEqual(1, len(found(texts.decisions, {"docs/adr/one.md": whole})))
        self.assertEqual(1, len(found(texts.decisions, {"docs/adr/0001-a.md": whole.replace("## Choice", "")})))

    def test_a_link_leads_somewhere(self):
        files = {"docs/a.md": "[b](b.md#x) [c](../README.md) [web](https://example.org)", "docs/b.md": "", "README.md": ""}
        self.assertEqual([], found(texts.links, files))
        self.assertEqual(1, len(found(texts.links, {"docs/a.md": "[b](b.md)"})))


PACKAGES = {"tools/packages.txt": "g++ build compiler\nlibfmt-dev build text\nlibgtest-dev test tests\n"
                                  "libssl-dev test keys\npython3-yaml build api\n"}


class Parts(unittest.TestCase):
    def test_a_service_has_its_files_or_says_why_not(self):
        whole = {f"src/services/x/{name}": "" for name in
                 ["README.md", "ports.hpp", "routes.hpp", "routes.cpp", "checks.hpp", "checks.cpp", "x_test.cpp",
                  "golden/a.json"]}
        self.assertEqual([], found(parts.service_shape, whole))
        for name in whole:
            rest = {path: text for path, text in whole.items() if path != name}
            self.assertEqual(1, len(found(parts.service_shape, rest)), name)
        without_ports = {path: text for path, text in whole.items() if not path.endswith("ports.hpp")}
        without_ports["src/services/x/README.md"] = "No `ports.hpp`: it needs nothing from outside.\n"
        self.assertEqual([], found(parts.service_shape, without_ports))

    def test_a_service_that_is_not_begun_has_no_shape_yet(self):
        self.assertEqual([], found(parts.service_shape, {"src/services/x/CMakeLists.txt": ""}))

    def test_every_operation_declares_its_protection_and_an_id_of_its_own(self):
        def document(lines):
            return {"api/a.yaml": "paths:\n  /a:\n    get:\n      operationId: A\n" + lines}
        self.assertEqual([], found(parts.operations, document("      x-lobo-protection: token\n")))
        self.assertEqual([], found(parts.operations, document("      security: [{}, {oAuth2: []}]\n")))
        self.assertEqual(1, len(found(parts.operations, document("      security: [{}]\n"))))
        self.assertEqual(1, len(found(parts.operations, document("      tags: []\n"))))
        self.assertEqual(1, len(found(parts.operations, document("      x-lobo-protection: maybe\n"))))
        twice = document("      x-lobo-protection: none\n    put:\n      operationId: A\n      x-lobo-protection: none\n")
        self.assertEqual(1, len(found(parts.operations, twice)))

    def test_what_the_build_asks_for_is_listed(self):
        def findings(path, text):
            return found(parts.packages, PACKAGES | {path: text})
        self.assertEqual([], findings("src/CMakeLists.txt", "find_package(fmt REQUIRED)\n"))
        self.assertEqual(1, len(findings("src/CMakeLists.txt", "find_package(SQLite3 REQUIRED)\n")))
        self.assertEqual(1, len(findings("src/CMakeLists.txt", "find_package(Unheard)\n")))
        self.assertEqual(1, len(findings("src/CMakeLists.txt", "pkg_check_modules(N REQUIRED IMPORTED_TARGET cjose)\n")))
        self.assertEqual([], findings("src/a.cpp", "#include <fmt/format.h>\n#include <vector>\n#include <sys/stat.h>\n"))
        self.assertEqual(1, len(findings("src/a.cpp", "#include <sqlite3.h>\n")))
        self.assertEqual(1, len(findings("src/a.cpp", "#include <nlohmann/json.hpp>\n")))

    def test_what_is_shipped_stands_in_group_build(self):
        self.assertEqual(1, len(found(parts.packages, PACKAGES | {"src/adapters/a.cpp": "#include <openssl/ssl.h>\n"})))
        self.assertEqual([], found(parts.packages, PACKAGES | {"src/adapters/a_test.cpp": "#include <openssl/ssl.h>\n"}))

    def test_what_is_shipped_and_left_to_the_nightly_run_is_listed(self):
        source = {"src/adapters/packet_io/dpdk_device.cpp": "#include <rte_mbuf.h>\n"}
        self.assertEqual(1, len(found(parts.packages, PACKAGES | source)))
        listed = {"tools/packages.txt": PACKAGES["tools/packages.txt"] + "libdpdk-dev nightly devices\n"}
        self.assertEqual([], found(parts.packages, PACKAGES | source | listed))

    def test_python_modules_are_listed_too(self):
        def findings(text):
            return found(parts.packages, PACKAGES | {"tools/a.py": text})
        self.assertEqual([], findings("import os, json\nimport yaml\nfrom a import b\n"))
        self.assertEqual(1, len(findings("import h2.connection\n")))
        self.assertEqual(1, len(findings("import requests\n")))

    def test_a_package_has_a_group_and_a_reason(self):
        self.assertEqual(1, len(found(parts.packages, {"tools/packages.txt": "g++ build\n"})))
        self.assertEqual(1, len(found(parts.packages, {"tools/packages.txt": "g++ later compiler\n"})))
        self.assertEqual(1, len(found(parts.packages, {})))


if __name__ == "__main__":
    unittest.main()
