"""From schemas to C++ types with rules."""

from dataclasses import dataclass, field
from typing import Optional

from errors import Refusal, known_keys
from naming import pascal, snake

INT64_MIN, INT64_MAX, UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1
FIELDS_MAX = 256  # json::fields_max

PROSE = ("description", "title", "example", "externalDocs", "deprecated")
PRESENCE = ("required", "oneOf", "anyOf", "allOf", "not")
HINTS = {
    "default": "defaults are not filled in: say them in the description and let the code decide",
    "readOnly": "not enforced: check it in code",
    "writeOnly": "not enforced: check it in code",
    "multipleOf": "check it in code",
    "discriminator": "unions of objects are not supported: make one object with oneOf over required",
}


@dataclass
class Shape:
    """A type as it is used in one place."""

    kind: str                        # boolean integer unsigned number text date_time bytes raw enum open_enum
    cpp: str                         # array map struct
    rules: dict = field(default_factory=dict)
    nullable: bool = False
    needs: list = field(default_factory=list)  # (C++ name, soft): soft where an incomplete type will do

    def copy(self, **changes):
        made = Shape(self.kind, self.cpp, dict(self.rules), self.nullable, list(self.needs))
        for key, value in changes.items():
            setattr(made, key, value)
        return made


@dataclass
class Member:
    name: str
    cpp_name: str
    shape: Shape
    required: bool = False
    boxed: bool = False

    @property
    def cpp(self):
        if self.shape.nullable:
            return f"lobo::json::Patch<{self.shape.cpp}>"
        if self.required:
            return self.shape.cpp
        return f"lobo::json::Box<{self.shape.cpp}>" if self.boxed else f"std::optional<{self.shape.cpp}>"


@dataclass
class StructType:
    name: str
    doc: str
    members: list = field(default_factory=list)
    presence: list = field(default_factory=list)  # ("has", name) or (op, [parts])
    members_min: int = 0
    members_max: Optional[int] = None
    closed: bool = False

    def needs(self):
        for member in self.members:
            soft = member.boxed
            for name, is_soft in member.shape.needs:
                yield name, soft or is_soft


@dataclass
class EnumType:
    name: str
    doc: str
    values: list

    def needs(self):
        return ()


@dataclass
class AliasType:
    name: str
    doc: str
    cpp: str
    needed: list

    def needs(self):
        return self.needed


class SchemaReader:
    def __init__(self, library, name):
        self.docs = library
        self.name = name
        self.file = library.file(name)
        self.namespace = "lobo::api::" + name.replace("/", "::")
        self.types = []
        self.uses = set()
        self._components = {}
        self._structs = {}
        self._busy = []

    @staticmethod
    def of(library, name):
        """One reader a document, so that each type is declared once however it is reached."""
        if name not in library.readers:
            library.readers[name] = SchemaReader(library, name)
        return library.readers[name]

    # -- names ------------------------------------------------------------------------------------

    def _declare(self, made, where):
        for other in self.types:
            if other.name == made.name:
                raise Refusal(where, f"two types would be called {made.name}")
        self.types.append(made)
        return f"{self.namespace}::{made.name}"

    def _reader_of(self, name):
        return SchemaReader.of(self.docs, name)

    def component(self, component):
        """The shape of #/components/schemas/COMPONENT of this document."""
        if component in self._components:
            return self._components[component]
        where = f"{self.file} at components/schemas/{component}"
        if component in self._busy:
            raise Refusal(where, "refers to itself without an object in between")
        self._busy.append(component)
        schema = self.docs.components(self.name)[component]
        name = pascal(component)
        if self._is_struct(schema, where):
            shape = Shape("struct", f"{self.namespace}::{name}", nullable=self._nullable(schema, where),
                          needs=[(name, False)])
            self._components[component] = shape
            self._busy.remove(component)
            self._struct(schema, name, where)
            return shape
        shape = self.shape(schema, name, where, named=True)
        if shape.cpp != f"{self.namespace}::{name}" and shape.kind != "enum":
            alias = AliasType(name, self.name, shape.cpp, shape.needs)
            shape = shape.copy(cpp=self._declare(alias, where), needs=[(name, False)])
        self._components[component] = shape
        self._busy.remove(component)
        return shape

    def referred(self, ref, where):
        target, component = self.docs.target(self.name, ref, where)
        if target == self.name:
            if component not in self._components and component in self._busy:
                raise Refusal(where, f"$ref '{ref}' refers to itself without an object in between")
            return self.component(component)
        self.uses.add(target)
        reader = self._reader_of(target)
        if self.name in reader.uses:
            raise Refusal(where, f"{self.file} and {reader.file} refer to each other")
        return reader.component(component).copy(needs=[])

    # -- any schema -------------------------------------------------------------------------------

    def shape(self, schema, name, where, named=False):
        """The shape of `schema`; types that it must declare are called `name`."""
        if not isinstance(schema, dict):
            raise Refusal(where, "a schema must be a mapping")
        for key, hint in HINTS.items():
            if key in schema:
                raise Refusal(where, f"'{key}' is not supported: {hint}")
        if "$ref" in schema:
            if len(schema) > 1:
                raise Refusal(where, "$ref hides what stands beside it: write allOf: [{$ref: …}] instead")
            return self.referred(schema["$ref"], where)
        if self._is_struct(schema, where):
            self._struct(schema, name, where)
            return Shape("struct", f"{self.namespace}::{name}", nullable=self._nullable(schema, where),
                         needs=[(name, False)])
        if "allOf" in schema:
            return self._narrowed(schema, name, where)
        if "anyOf" in schema or "oneOf" in schema:
            return self._open_enum(schema, name, where)
        kind = schema.get("type")
        makers = {"string": self._string, "integer": self._integer, "number": self._number,
                  "boolean": self._boolean, "array": self._array, "object": self._map, None: self._raw}
        if kind not in makers:
            raise Refusal(where, f"type '{kind}' is not supported")
        shape = makers[kind](schema, name, where)
        return shape.copy(nullable=self._nullable(schema, where))

    @staticmethod
    def _nullable(schema, where):
        value = schema.get("nullable", False)
        if not isinstance(value, bool):
            raise Refusal(where, "nullable must be true or false")
        return value

    def _narrowed(self, schema, name, where):
        """allOf of scalars: the first that has a type gives it, all give their rules."""
        known_keys(schema, where, *PROSE, "allOf", "nullable", "type", "pattern", "minLength", "maxLength",
                   "minimum", "maximum", "format")
        parts = list(schema["allOf"])
        own = {key: value for key, value in schema.items() if key not in PROSE + ("allOf", "nullable")}
        if own:
            parts.insert(0, own)
        base = None
        for i, part in enumerate(parts):
            here = f"{where}/allOf/{i}"
            part_type = base.kind if base else None
            if isinstance(part, dict) and "$ref" not in part and "type" not in part and "allOf" not in part:
                given = {"text": "string", "integer": "integer", "number": "number"}.get(part_type)
                if given is None:
                    raise Refusal(here, "needs a type")
                part = {"type": given, **part}
            shape = self.shape(part, name, here)
            if base is None:
                base = shape.copy()
            elif shape.kind != base.kind:
                raise Refusal(here, f"is {shape.kind}, but an earlier part is {base.kind}")
            else:
                base.rules = _merged(base.rules, shape.rules)
        return base.copy(nullable=self._nullable(schema, where) or base.nullable)

    def _open_enum(self, schema, name, where):
        known_keys(schema, where, *PROSE, "anyOf", "oneOf", "nullable")
        parts = schema.get("anyOf")
        plain = isinstance(parts, list) and len(parts) == 2 and "oneOf" not in schema and all(
            isinstance(p, dict) and p.get("type") == "string" and set(p) <= {"type", "enum", *PROSE}
            for p in parts) and sum("enum" in p for p in parts) == 1
        if not plain:
            raise Refusal(where, "anyOf and oneOf are supported over required lists of one object, and as the "
                                 "extensible enumeration anyOf: [{type: string, enum: […]}, {type: string}]")
        values = next(p["enum"] for p in parts if "enum" in p)
        known = self._enum(values, name + "Known", where)
        return Shape("open_enum", f"lobo::json::OpenEnum<{known}>", nullable=self._nullable(schema, where),
                     needs=[(name + "Known", False)])

    def _enum(self, values, name, where):
        if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
            raise Refusal(where, "enum must be a list of strings")
        names = [snake(v) for v in values]
        for i, one in enumerate(names):
            if one in names[:i]:
                raise Refusal(where, f"two values of the enum would be called {one} in C++")
        return self._declare(EnumType(name, self.name, values), where)

    def _string(self, schema, name, where):
        known_keys(schema, where, *PROSE, "type", "nullable", "minLength", "maxLength", "pattern", "format", "enum")
        if "enum" in schema:
            if set(schema) & {"minLength", "maxLength", "pattern", "format"}:
                raise Refusal(where, "an enum takes no other rules")
            return Shape("enum", self._enum(schema["enum"], name, where), needs=[(name, False)])
        fmt = schema.get("format")
        own_type = {"date-time": ("date_time", "lobo::Instant"), "byte": ("bytes", "lobo::json::Bytes")}.get(fmt)
        if own_type:
            if set(schema) & {"minLength", "maxLength", "pattern"}:
                raise Refusal(where, f"format {fmt} takes no minLength, maxLength or pattern")
            return Shape(*own_type)
        rules = {}
        for key, rule in (("minLength", "length_min"), ("maxLength", "length_max")):
            if key in schema:
                rules[rule] = _count(schema[key], key, where)
        matchers = []
        formats = self.docs.formats
        if fmt is not None:
            if fmt not in formats.by_format:
                known = ", ".join(sorted(list(formats.by_format) + ["date-time", "byte"]))
                raise Refusal(where, f"format '{fmt}' is not known (known: {known}); {formats.path} has the matchers")
            matchers.append(formats.by_format[fmt])
        if "pattern" in schema:
            pattern = schema["pattern"]
            if pattern not in formats.by_pattern:
                raise Refusal(where, f"pattern {pattern} has no matcher: declare one in {formats.path} with the "
                                     f"line '/// pattern: {pattern}', write it in formats.cpp and test it")
            if formats.by_pattern[pattern] not in matchers:
                matchers.append(formats.by_pattern[pattern])
        if matchers:
            rules["matchers"] = matchers
        return Shape("text", "std::string", rules)

    def _integer(self, schema, name, where):
        known_keys(schema, where, *PROSE, "type", "nullable", "minimum", "maximum", "exclusiveMinimum",
                   "exclusiveMaximum", "format")
        low, high = schema.get("minimum"), schema.get("maximum")
        for key, value in (("minimum", low), ("maximum", high)):
            if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
                raise Refusal(where, f"{key} of an integer must be a whole number")
        if schema.get("exclusiveMinimum"):
            low = low + 1
        if schema.get("exclusiveMaximum"):
            high = high - 1
        fmt = schema.get("format")
        ranges = {None: (None, None), "int32": (-(2**31), 2**31 - 1), "int64": (None, None),
                  "uint32": (0, 2**32 - 1), "uint64": (0, UINT64_MAX)}
        if fmt not in ranges:
            raise Refusal(where, f"format '{fmt}' of an integer is not known (known: int32, int64, uint32, uint64)")
        least, most = ranges[fmt]
        low = least if low is None else low if least is None else max(low, least)
        high = most if high is None else high if most is None else min(high, most)
        if high is not None and high > INT64_MAX:
            if low is None or low < 0 or high > UINT64_MAX:
                raise Refusal(where, "a range beyond 64 bits")
            return Shape("unsigned", "std::uint64_t", {"unsigned_min": low, "unsigned_max": high})
        rules = {}
        if low is not None:
            rules["integer_min"] = low
        if high is not None:
            rules["integer_max"] = high
        return Shape("integer", "std::int64_t", rules)

    def _number(self, schema, name, where):
        known_keys(schema, where, *PROSE, "type", "nullable", "minimum", "maximum", "exclusiveMinimum",
                   "exclusiveMaximum", "format")
        if schema.get("format") not in (None, "double"):
            raise Refusal(where, "the only format of a number is double")
        rules = {}
        for key, rule, flag in (("minimum", "number_min", "exclusiveMinimum"),
                                ("maximum", "number_max", "exclusiveMaximum")):
            if key in schema:
                rules[rule] = float(schema[key])
            if schema.get(flag):
                rules[rule + "_excluded"] = True
        return Shape("number", "double", rules)

    def _boolean(self, schema, name, where):
        known_keys(schema, where, *PROSE, "type", "nullable")
        return Shape("boolean", "bool")

    def _array(self, schema, name, where):
        known_keys(schema, where, *PROSE, "type", "nullable", "items", "minItems", "maxItems", "uniqueItems")
        if "items" not in schema:
            raise Refusal(where, "an array needs items")
        item = self.shape(schema["items"], name + "Item", where + "/items")
        if item.nullable or item.kind == "boolean":
            raise Refusal(where, "items that are nullable or boolean are not supported")
        rules = {}
        for key, rule in (("minItems", "items_min"), ("maxItems", "items_max")):
            if key in schema:
                rules[rule] = _count(schema[key], key, where)
        if schema.get("uniqueItems"):
            rules["items_unique"] = True
        if item.rules:
            rules["items"] = item.rules
        return Shape("array", f"std::vector<{item.cpp}>", rules, needs=[(n, True) for n, _ in item.needs])

    def _map(self, schema, name, where):
        known_keys(schema, where, *PROSE, "type", "nullable", "additionalProperties", "minProperties",
                   "maxProperties")
        entry = schema.get("additionalProperties", True)
        if entry is False:
            raise Refusal(where, "an object without any member")
        item = Shape("raw", "lobo::json::Raw") if entry is True else self.shape(
            entry, name + "Entry", where + "/additionalProperties")
        rules = {}
        for key, rule in (("minProperties", "items_min"), ("maxProperties", "items_max")):
            if key in schema:
                rules[rule] = _count(schema[key], key, where)
        if item.rules:
            rules["items"] = item.rules
        cpp = f"lobo::json::Patch<{item.cpp}>" if item.nullable else item.cpp
        return Shape("map", f"std::map<std::string, {cpp}, std::less<>>", rules,
                     needs=[(n, True) for n, _ in item.needs])

    def _raw(self, schema, name, where):
        known_keys(schema, where, *PROSE, "nullable")
        return Shape("raw", "lobo::json::Raw")

    # -- objects ----------------------------------------------------------------------------------

    def _is_struct(self, schema, where):
        if not isinstance(schema, dict):
            return False
        if "properties" in schema:
            return True
        for part in schema.get("allOf") or []:
            if isinstance(part, dict) and "$ref" in part:
                # One reference alone only adds nullable or prose to it.
                if len(schema["allOf"]) == 1 and not set(schema) - {"allOf", "nullable", *PROSE}:
                    continue
                if self.referred(part["$ref"], where).kind == "struct":
                    return True
            elif self._is_struct(part, where):
                return True
        return False

    def _struct(self, schema, name, where):
        made = StructType(name, self.name)
        self._declare(made, where)
        self._structs[name] = made
        required = []
        self._collect(schema, made, required, where)
        names = [m.name for m in made.members]
        for one in required:
            if one not in names:
                raise Refusal(where, f"required names '{one}', which is no property")
        for member in made.members:
            member.required = member.required or member.name in required
        for part in made.presence:
            _check_presence(part, names, where)
        if len(made.members) > FIELDS_MAX:
            raise Refusal(where, f"more than {FIELDS_MAX} members")
        cpp_names = [m.cpp_name for m in made.members]
        for i, one in enumerate(cpp_names):
            if one in cpp_names[:i]:
                raise Refusal(where, f"two members would be called {one} in C++")

    def _collect(self, schema, made, required, where):
        """Adds the members and conditions of one part of an object schema."""
        known_keys(schema, where, *PROSE, "type", "nullable", "properties", "required", "additionalProperties",
                   "minProperties", "maxProperties", "oneOf", "anyOf", "allOf", "not")
        if schema.get("type", "object") != "object":
            raise Refusal(where, f"has properties but type {schema['type']}")
        extra = schema.get("additionalProperties", True)
        if not isinstance(extra, bool):
            raise Refusal(where, "additionalProperties with a schema beside properties is not supported")
        made.closed = made.closed or not extra
        for prop, sub in (schema.get("properties") or {}).items():
            here = f"{where}/{prop}"
            if not isinstance(prop, str) or not prop.isascii() or not prop.isprintable() or set(prop) & set('"\\'):
                raise Refusal(here, "a member's name must be printable ASCII without quotes")
            if prop in [m.name for m in made.members]:
                raise Refusal(here, "stands in two parts of allOf")
            shape = self.shape(sub, made.name + pascal(prop), here)
            made.members.append(Member(prop, snake(prop), shape))
        required += _names(schema.get("required", []), where)
        if "minProperties" in schema:
            made.members_min = max(made.members_min, _count(schema["minProperties"], "minProperties", where))
        if "maxProperties" in schema:
            made.members_max = _count(schema["maxProperties"], "maxProperties", where)
        for key in ("oneOf", "anyOf", "not"):
            if key in schema:
                made.presence.append(_presence({key: schema[key]}, f"{where}/{key}"))
        for i, part in enumerate(schema.get("allOf") or []):
            here = f"{where}/allOf/{i}"
            if "$ref" in part:
                if len(part) > 1:
                    raise Refusal(here, "$ref hides what stands beside it")
                self._inherit(part["$ref"], made, required, here)
            else:
                self._collect(part, made, required, here)

    def _inherit(self, ref, made, required, where):
        shape = self.referred(ref, where)
        target, component = self.docs.target(self.name, ref, where)
        if shape.kind != "struct":
            raise Refusal(where, f"'{ref}' is no object with properties")
        base = self._reader_of(target)._structs.get(pascal(component))
        if base is None or base is made:
            raise Refusal(where, f"'{ref}' is not complete here: allOf refers to itself")
        for member in base.members:
            if member.name in [m.name for m in made.members]:
                raise Refusal(where, f"'{member.name}' stands in two parts of allOf")
            needs = member.shape.needs if target == self.name else []
            made.members.append(Member(member.name, member.cpp_name, member.shape.copy(needs=needs),
                                       member.required))
        made.presence += base.presence
        made.members_min = max(made.members_min, base.members_min)
        made.closed = made.closed or base.closed


def _count(value, key, where):
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refusal(where, f"{key} must be a whole number, 0 or more")
    return value


def _names(value, where):
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise Refusal(where, "required must be a list of names")
    return value


def _presence(schema, where):
    """A condition on which members are there, from required, oneOf, anyOf, allOf and not."""
    if not isinstance(schema, dict) or not set(schema) & set(PRESENCE):
        raise Refusal(where, "only required lists may stand in oneOf, anyOf, allOf and not of an object")
    known_keys(schema, where, *PRESENCE, "description", "type")
    parts = []
    if "required" in schema:
        parts.append(("all_of", [("has", n) for n in _names(schema["required"], where)]))
    for key, op in (("oneOf", "one_of"), ("anyOf", "any_of"), ("allOf", "all_of")):
        if key in schema:
            parts.append((op, [_presence(s, f"{where}/{i}") for i, s in enumerate(schema[key])]))
    if "not" in schema:
        inner = _presence(schema["not"], f"{where}/not")
        # "not: {anyOf: […]}" reads better as "none of".
        parts.append(("none_of", inner[1] if inner[0] == "any_of" else [inner]))
    return parts[0] if len(parts) == 1 else ("all_of", parts)


def _check_presence(part, names, where):
    op, inner = part
    if op == "has":
        if inner not in names:
            raise Refusal(where, f"required names '{inner}', which is no property")
        return
    for sub in inner:
        _check_presence(sub, names, where)


def _merged(a, b):
    made = dict(a)
    for key, value in b.items():
        if key == "matchers":
            made[key] = made.get(key, []) + [m for m in value if m not in made.get(key, [])]
        elif key not in made:
            made[key] = value
        elif key.endswith("_min"):
            made[key] = max(made[key], value)
        elif key.endswith("_max"):
            made[key] = min(made[key], value)
        elif key == "items":
            made[key] = _merged(made[key], value)
        else:
            made[key] = made[key] or value
    return made
