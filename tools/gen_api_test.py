#!/usr/bin/env python3
"""What the generator makes of a document, and that it refuses what it does not know."""

import importlib.util
import pathlib
import sys
import tempfile
import textwrap
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "gen_api"))

_spec = importlib.util.spec_from_file_location("gen_api_main", HERE / "gen_api" / "__main__.py")
gen_api = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(gen_api)

FORMATS = HERE.parent / "src/wire/json/formats.hpp"

OPERATION = """
servers: [{url: '{apiRoot}/x/v1'}]
paths:
  /things/{id}:
    get:
      operationId: GetThing
      security: [{oAuth2ClientCredentials: [x]}]
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: ok}}
"""


def document(schemas="", rest="paths: {}"):
    text = "openapi: 3.0.3\ninfo: {title: x, version: 1.0.0}\n" + textwrap.dedent(rest).strip() + "\n"
    if schemas:
        text += "components:\n  schemas:\n" + textwrap.indent(textwrap.dedent(schemas).strip(), "    ") + "\n"
    return text


class Generator(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name) / "api"
        self.out = pathlib.Path(folder.name) / "gen"

    def generate(self, **documents):
        for name, text in documents.items():
            path = self.root / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        gen_api.generate(self.root, FORMATS, self.out)

    def header(self, name="x"):
        return (self.out / "api" / f"{name}.hpp").read_text()

    def source(self, name="x"):
        return (self.out / "api" / f"{name}.cpp").read_text()

    def refuses(self, because, schemas="", rest="paths: {}", **others):
        with self.assertRaises(Exception) as caught:
            self.generate(x=document(schemas, rest), **others)
        self.assertEqual("Refusal", type(caught.exception).__name__, caught.exception)
        self.assertIn(because, str(caught.exception))
        self.assertIn("x.yaml", str(caught.exception))

    # -- types ----------------------------------------------------------------------------------

    def test_members_become_what_the_readme_says(self):
        self.generate(x=document("""
            Thing:
              type: object
              required: [valTgtUe, class]
              properties:
                valTgtUe: {type: string}
                class: {type: integer}
                share: {type: number}
                isOn: {type: boolean, nullable: true}
                at: {type: string, format: date-time}
                blob: {type: string, format: byte}
                any: {}
                names: {type: array, items: {type: string}}
                byName: {type: object, additionalProperties: {type: integer, format: uint64}}
                mode: {type: string, enum: [ON, '5G']}
                inner: {type: object, properties: {a: {type: string}}}
            """))
        header = self.header()
        for line in ("std::string val_tgt_ue;", "std::int64_t class_{};", "std::optional<double> share;",
                     "json::Patch<bool> is_on;", "std::optional<Instant> at;", "std::optional<json::Bytes> blob;",
                     "std::optional<json::Raw> any;", "std::optional<std::vector<std::string>> names;",
                     "std::optional<std::map<std::string, std::uint64_t, std::less<>>> by_name;",
                     "enum class ThingMode : std::uint8_t { on, n5_g };", "std::optional<ThingMode> mode;",
                     "struct ThingInner {", "std::optional<ThingInner> inner;"):
            self.assertIn(line, header)
        self.assertLess(header.index("struct ThingInner"), header.index("struct Thing {"))

    def test_an_extensible_enumeration_stays_open(self):
        self.generate(x=document("""
            Mode:
              anyOf:
                - {type: string, enum: [UNICAST]}
                - {type: string, description: later releases}
            """))
        self.assertIn("using Mode = json::OpenEnum<ModeKnown>;", self.header())

    def test_a_type_that_contains_itself_goes_to_the_heap(self):
        self.generate(x=document("""
            Tree:
              type: object
              properties:
                left: {$ref: '#/components/schemas/Tree'}
                all: {type: array, items: {$ref: '#/components/schemas/Tree'}}
            """))
        self.assertIn("json::Box<Tree> left;", self.header())
        self.assertIn("std::optional<std::vector<Tree>> all;", self.header())

    def test_all_of_merges_objects_and_narrows_scalars(self):
        self.generate(x=document("""
            Base: {type: object, required: [a], properties: {a: {type: string}}}
            Short: {type: string, maxLength: 9}
            More:
              allOf:
                - $ref: '#/components/schemas/Base'
                - type: object
                  required: [b]
                  properties: {b: {allOf: [{$ref: '#/components/schemas/Short'}, {minLength: 2}]}}
            """))
        self.assertIn("struct More {\n  std::string a;\n  Short b;", self.header())
        self.assertIn(".length_min = 2U, .length_max = 9U", self.source())

    def test_conditions_nest(self):
        self.generate(x=document("""
            Thing:
              type: object
              properties: {a: {type: string}, b: {type: string}, c: {type: string}}
              oneOf: [{required: [a]}, {required: [b, c]}]
              allOf:
                - not: {required: [a, b]}
                - anyOf: [{required: [a]}, {not: {required: [c]}}]
            """))
        source = self.source()
        for op in ("one_of", "none_of", "any_of", "all_of"):
            self.assertIn(f"Presence::Op::{op}", source)

    def test_other_documents_are_reached_by_relative_paths(self):
        self.generate(x=document("Id: {type: string, pattern: '^[A-Fa-f0-9]*$'}"),
                      state__y=document("Y: {type: object, properties: {id: {$ref: '../x.yaml#/components/schemas/Id'}}}"))
        self.assertIn("namespace lobo::api::state::y {", self.header("state/y"))
        self.assertIn("std::optional<api::x::Id> id;", self.header("state/y"))
        self.assertIn("&json::format::hexadecimal", self.source("state/y"))

    def test_what_stays_the_same_is_not_written_again(self):
        self.generate(x=document("A: {type: string}"))
        before = (self.out / "api/x.hpp").stat().st_mtime_ns
        self.generate(x=document("A: {type: string, description: more words}"))
        self.assertEqual(before, (self.out / "api/x.hpp").stat().st_mtime_ns)

    # -- operations -----------------------------------------------------------------------------

    def test_an_operation_becomes_a_row(self):
        self.generate(x=document("", OPERATION + "      x-lobo-body-bytes-max: 100\n"))
        self.assertIn('{"GetThing", "GET", "/x/v1/things/{id}", "x", "", resource::Protection::token, 100, ""},',
                      self.source())
        self.assertIn('get_thing = "GetThing";', self.header())

    def test_an_operation_takes_two_content_types_and_no_more(self):
        def body(*kinds):
            content = "".join(f"          {kind}:\n            schema: {{type: string}}\n" for kind in kinds)
            return OPERATION.replace("get:", "patch:") + "      requestBody:\n        content:\n" + content

        self.generate(x=document("", body("application/merge-patch+json", "application/json-patch+json")))
        self.assertIn('"application/merge-patch+json", resource::Protection::token, 65536, '
                      '"application/json-patch+json"},', self.source())
        self.refuses("one content type or two", "", body("a/a", "b/b", "c/c"))

    def test_an_operation_without_token_needs_no_scope(self):
        rest = OPERATION.replace("security: [{oAuth2ClientCredentials: [x]}]", "x-lobo-protection: loopback")
        self.generate(x=document("", rest))
        self.assertIn('"", "", resource::Protection::loopback', self.source())

    def test_callbacks_are_checked_and_give_no_operation(self):
        callback = """
      callbacks:
        told:
          '{$request.body#/uri}':
            post:
              requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}
              responses: {'204': {description: ok}}
"""
        self.generate(x=document("A: {type: string}", OPERATION + callback))
        self.assertEqual(1, self.source().count("resource::Protection::"))
        self.refuses("no such component", "B: {type: string}", OPERATION + callback)

    # -- refusals -------------------------------------------------------------------------------

    def test_unknown_constructs_are_refused_by_name_and_place(self):
        for schema, because in (
                ("A: {type: string, contentEncoding: gzip}", "'contentEncoding' is not supported"),
                ("A: {type: string, default: x}", "'default' is not supported"),
                ("A: {type: string, pattern: '^new$'}", "pattern ^new$ has no matcher"),
                ("A: {type: string, format: hostname}", "format 'hostname' is not known"),
                ("A: {type: file}", "type 'file' is not supported"),
                ("A: {type: integer, multipleOf: 2}", "'multipleOf' is not supported"),
                ("A: {type: integer, minimum: 1.5}", "must be a whole number"),
                ("A: {type: array}", "an array needs items"),
                ("A: {type: array, items: {type: boolean}}", "not supported"),
                ("A: {oneOf: [{type: string}, {type: integer}]}", "anyOf and oneOf are supported over required"),
                ("A: {type: string, enum: [a, A]}", "would be called a"),
                ("A: {$ref: '#/components/schemas/B'}", "no such component"),
                ("A: {$ref: 'z.yaml#/components/schemas/B'}", "there is no api/z.yaml"),
                ("A: {$ref: '#/components/schemas/A'}", "refers to itself"),
                ("A: {type: object, properties: {a: {type: string}}, required: [b]}", "names 'b'"),
                ("A: {type: object, properties: {a: {type: string}}, oneOf: [{required: [b]}]}", "names 'b'"),
                ("A: {type: object, properties: {a: {type: string}}, oneOf: [{properties: {a: {}}}]}",
                 "only required lists"),
                ("A: {type: object, properties: {aB: {type: string}, a_b: {type: string}}}", "would be called a_b"),
                ("A: {type: object, properties: {a: {$ref: '#/components/schemas/A', nullable: true}}}",
                 "$ref hides"),
                ("A: {type: object, required: [a], properties: {a: {$ref: '#/components/schemas/A'}}}",
                 "hold each other by value: A -> A"),
                ("A: {type: string}\nA: {type: string}", "the key 'A' stands twice")):
            with self.subTest(schema):
                self.refuses(because, schema)

    def test_faulty_operations_are_refused(self):
        for old, new, because in (
                ("operationId: GetThing", "summary: x", "needs an operationId"),
                ("security: [{oAuth2ClientCredentials: [x]}]", "summary: x", "needs 'security"),
                ("security: [{oAuth2ClientCredentials: [x]}]", "security: [{oAuth2ClientCredentials: []}]",
                 "needs 'security"),
                ("security: ", "x-lobo-protection: none\n      security: ", "takes no security scope"),
                ("security: ", "x-lobo-protection: open\n      security: ", "must be one of token"),
                ("{id}", "{name}", "the path has ['name']"),
                ("get:", "options:", "'options' is not supported"),
                ("'{apiRoot}/x/v1'", "'https://example.com/x/v1'", "servers[0].url must be"),
                ("'200': {description: ok}", "'200': {}", "needs a description"),
                ("'200': {description: ok}", "ok: {description: ok}", "must be a status code"),
                ("schema: {type: string}", "schema: {type: object, properties: {a: {type: string}}}",
                 "give this schema a name")):
            with self.subTest(because):
                self.assertIn(old, OPERATION)
                self.refuses(because, "", OPERATION.replace(old, new))

    def test_documents_that_refer_to_each_other_are_refused(self):
        with self.assertRaises(Exception) as caught:
            self.generate(x=document("A: {type: object, properties: {b: {$ref: 'y.yaml#/components/schemas/B'}}}"),
                          y=document("B: {type: object, properties: {a: {$ref: 'x.yaml#/components/schemas/A'}}}"))
        self.assertIn("refer to each other", str(caught.exception))

    def test_another_version_of_openapi_is_refused(self):
        with self.assertRaises(Exception) as caught:
            self.generate(x="openapi: 3.1.0\ninfo: {title: x, version: '1'}\npaths: {}\n")
        self.assertIn("openapi must be 3.0", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
