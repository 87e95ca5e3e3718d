"""The source of a module: its tables."""

from emit_hpp import NOTE, short
from naming import cpp_string
from schemas import StructType


class RuleTable:
    """Each set of rules once."""

    def __init__(self):
        self.lines = []
        self._names = {}

    def name(self, rules):
        if not rules:
            return "json::no_rules"
        items = self.name(rules["items"]) if "items" in rules else None
        matchers = self._matchers(rules["matchers"]) if "matchers" in rules else None
        parts = []
        for key in ("integer_min", "integer_max", "unsigned_min", "unsigned_max", "number_min", "number_max",
                    "number_min_excluded", "number_max_excluded", "length_min", "length_max", "items_min",
                    "items_max", "items_unique"):
            if key in rules:
                parts.append(f".{key} = {_literal(key, rules[key])}")
        if matchers:
            parts.append(f".matchers = {matchers}")
        if items and items != "json::no_rules":
            parts.append(f".items = &{items}")
        return self._once("rules", "constexpr json::Rules {}{{" + ", ".join(parts) + "}};")

    def _matchers(self, matchers):
        rows = ", ".join(f"{{{cpp_string(m.must_be)}, &json::format::{m.function}}}" for m in matchers)
        return self._once("matchers", "constexpr json::Matcher {}[]{{" + rows.replace("{", "{{").replace("}", "}}")
                          + "}};")

    def _once(self, kind, template):
        if template not in self._names:
            name = f"{kind}_{len(self._names) + 1}"
            self._names[template] = name
            self.lines.append(template.format(name))
        return self._names[template]


def _literal(key, value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if key.startswith("number"):
        return repr(float(value))
    if key.startswith("integer"):
        return "INT64_MIN" if value == -(2**63) else str(value)
    return str(value) + "U"


def index_texts(modules):
    """api/documents.hpp and .cpp: all documents in one table."""
    hpp = ["// Generated from api/ by tools/gen_api. Do not edit.", "#pragma once", "",
           "#include <span>", "#include <string_view>", "", '#include "wire/json/json.hpp"',
           '#include "wire/resource/route.hpp"', "", "namespace lobo::api {", "", "struct Document {",
           "  std::string_view name;  ///< of the file, without .yaml",
           "  std::span<const resource::Operation> (*operations)();",
           "  std::span<const json::NamedSchema> (*schemas)();", "};", "",
           "/// Every document, by name.", "std::span<const Document> documents();", "",
           "}  // namespace lobo::api", ""]
    cpp = ["// Generated from api/ by tools/gen_api. Do not edit.", '#include "api/documents.hpp"', ""]
    cpp += [f'#include "api/{m.name}.hpp"' for m in modules]
    cpp += ["", "namespace lobo::api {", "", "std::span<const Document> documents() {",
            "  static constexpr Document table[]{"]
    for m in modules:
        operations = f"&{m.namespace}::operations" if m.operations else (
            "+[]() -> std::span<const resource::Operation> { return {}; }")
        cpp.append(f"      {{{cpp_string(m.name)}, {operations}, &{m.namespace}::schemas}},")
    cpp += ["  };", "  return table;", "}", "", "}  // namespace lobo::api", ""]
    return "\n".join(hpp), "\n".join(cpp)


class PresenceTable:
    """Conditions as nested constant arrays, innermost first."""

    def __init__(self, struct):
        self.indices = {m.name: i for i, m in enumerate(struct.members)}
        self.prefix = f"presence_{struct.name}"
        self.lines = []

    def array(self, parts):
        rows = [self._row(part) for part in parts]
        name = f"{self.prefix}_{len(self.lines) + 1}"
        self.lines.append(f"constexpr json::Presence {name}[]{{{', '.join(rows)}}};")
        return name

    def _row(self, part):
        op, inner = part
        if op == "has":
            return f"{{.op = json::Presence::Op::has, .field = {self.indices[inner]}}}"
        return f"{{.op = json::Presence::Op::{op}, .parts = {self.array(inner)}}}"


def cpp_text(module):
    rules = RuleTable()
    structs = [t for t in module.types if isinstance(t, StructType)]
    bodies = []
    for made in structs:
        bodies += _object(made, module, rules)
    schemas = []
    for component, shape in module.schemas:
        name = rules.name(shape.rules)
        cpp = short(shape.cpp, module)
        schemas.append(f"    {{{cpp_string(component)}, [](std::string_view text) "
                       f"{{ return json::round_trip<{cpp}>(text, {name}); }}, &json::type_of<{cpp}>, &{name}}},")
    out = [NOTE.format(name=module.name), f'#include "api/{module.name}.hpp"', "",
           "#include <cstddef>", "", '#include "wire/json/formats.hpp"', "",
           "// The structs have only public members and no bases, so their offsets are known to both",
           "// compilers even where a member type is not of standard layout.",
           "#pragma GCC diagnostic ignored \"-Winvalid-offsetof\"", "",
           f"namespace {module.namespace} {{", "namespace {", ""]
    out += rules.lines
    out += ["", "}  // namespace", ""]
    out += bodies
    if module.operations:
        out += ["std::span<const resource::Operation> operations() {",
                "  static constexpr resource::Operation table[]{"]
        for o in module.operations:
            out.append(f"      {{{cpp_string(o.id)}, {cpp_string(o.method)}, {cpp_string(o.path)}, "
                       f"{cpp_string(o.scope)}, {cpp_string(o.content_type)}, resource::Protection::{o.protection}, "
                       f"{o.body_bytes_max}, {cpp_string(o.other_content_type)}}},")
        out += ["  };", "  return table;", "}", ""]
    out += ["std::span<const json::NamedSchema> schemas() {"]
    if schemas:
        out += ["  static constexpr json::NamedSchema table[]{", *schemas, "  };", "  return table;"]
    else:
        out += ["  return {};"]
    out += ["}", "", f"}}  // namespace {module.namespace}", ""]
    return "\n".join(out)


def _object(made, module, rules):
    rows = []
    for m in made.members:
        rows.append(f"      {{{cpp_string(m.name)}, offsetof({made.name}, {m.cpp_name}), "
                    f"&json::type_of<{short(m.cpp, module)}>, &{rules.name(m.shape.rules)}, "
                    f"{'true' if m.required else 'false'}}},")
    out = []
    presence = None
    if made.presence:
        table = PresenceTable(made)
        presence = table.array(made.presence)
        out += ["namespace {", *table.lines, "}  // namespace", ""]
    parts = [f".name = {cpp_string(made.name)}", ".fields = fields"]
    if presence:
        parts.append(f".presence = {presence}")
    if made.members_min:
        parts.append(f".members_min = {made.members_min}")
    if made.members_max is not None:
        parts.append(f".members_max = {made.members_max}")
    if made.closed:
        parts.append(".closed = true")
    out += [f"const json::ObjectType& json_object(const {made.name}*) {{"]
    if rows:
        out += ["  static constexpr json::Field fields[]{", *rows, "  };"]
    else:
        out += ["  static constexpr std::span<const json::Field> fields;"]
    out += [f"  static constexpr json::ObjectType object{{{', '.join(parts)}}};", "  return object;", "}", ""]
    return out
