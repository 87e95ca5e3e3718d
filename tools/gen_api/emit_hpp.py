"""The header of a module: plain structs."""

from naming import cpp_string, snake
from schemas import AliasType, EnumType, StructType

NOTE = "// Generated from api/{name}.yaml by tools/gen_api. Do not edit."


def short(cpp, module):
    """Inside namespace lobo::api::NAME everything of lobo is found without that prefix."""
    return cpp.replace(module.namespace + "::", "").replace("lobo::", "")


def hpp_text(module):
    out = [NOTE.format(name=module.name), "#pragma once", ""]
    out += ["#include <array>", "#include <cstdint>", "#include <functional>", "#include <map>",
            "#include <optional>", "#include <span>", "#include <string>", "#include <string_view>",
            "#include <vector>", ""]
    out += [f'#include "api/{other}.hpp"' for other in module.uses]
    out += ['#include "base/clock.hpp"', '#include "wire/json/json.hpp"']
    if module.operations:
        out.append('#include "wire/resource/route.hpp"')
    out += ["", f"namespace {module.namespace} {{", ""]
    for made in module.types:
        if isinstance(made, EnumType):
            out += _enum(made, module)
        elif isinstance(made, AliasType):
            out += [f"using {made.name} = {short(made.cpp, module)};", ""]
        elif isinstance(made, StructType):
            out += _struct(made, module)
    if module.operations:
        out += ["/// The name of each operation, as in Command::operation.", "namespace operation {"]
        for operation in module.operations:
            out.append(f"inline constexpr std::string_view {snake(operation.id)} = {cpp_string(operation.id)};")
        out += ["}  // namespace operation", "",
                "/// Every operation of the document, in its order.",
                "std::span<const resource::Operation> operations();", ""]
    out += ["/// Every schema of the document by name: for tests and fuzzers.",
            "std::span<const json::NamedSchema> schemas();", "", f"}}  // namespace {module.namespace}", ""]
    return "\n".join(out)


def _enum(made, module):
    values = ", ".join(snake(v) for v in made.values)
    names = ", ".join(cpp_string(v) for v in made.values)
    width = "std::uint8_t" if len(made.values) <= 255 else "std::uint16_t"
    return [f"enum class {made.name} : {width} {{ {values} }};", "",
            f"}}  // namespace {module.namespace}",
            "template <>",
            f"struct lobo::json::EnumNames<{module.namespace}::{made.name}> {{",
            f"  static constexpr std::array<std::string_view, {len(made.values)}> names{{{names}}};",
            "};",
            f"namespace {module.namespace} {{", "",
            f"constexpr std::string_view to_string({made.name} value) {{ return json::name_of(value); }}", ""]


def _struct(made, module):
    out = [f"struct {made.name} {{"]
    for member in made.members:
        cpp = short(member.cpp, module)
        init = "{}" if cpp in ("bool", "double", "std::int64_t", "std::uint64_t", "Instant") or (
            member.required and member.shape.kind in ("enum", "boolean", "integer", "number", "unsigned",
                                                      "date_time")) else ""
        out.append(f"  {cpp} {member.cpp_name}{init};")
    out += [f"  bool operator==(const {made.name}&) const = default;", "};",
            f"const json::ObjectType& json_object(const {made.name}*);", ""]
    return out
