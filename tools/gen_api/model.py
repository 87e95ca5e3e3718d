"""What a document becomes: a module of named types and operations."""

from dataclasses import dataclass, field

from errors import Refusal, known_keys
from operations import read_operations
from schemas import SchemaReader


@dataclass
class Module:
    name: str                                     # "ss_nra", "state/unicast"
    types: list = field(default_factory=list)     # in the order in which C++ needs them
    schemas: list = field(default_factory=list)   # (component name, C++ type, rules), all components
    uses: list = field(default_factory=list)      # names of the modules that it includes
    operations: list = field(default_factory=list)

    @property
    def namespace(self):
        return "lobo::api::" + self.name.replace("/", "::")


def build_module(library, name):
    document = library.documents[name]
    known_keys(document, library.file(name), "openapi", "info", "servers", "paths", "components", "security",
               "tags", "externalDocs")
    known_keys(document.get("components") or {}, f"{library.file(name)} at components", "schemas", "responses",
               "securitySchemes", "headers", "parameters")
    module = Module(name)
    reader = SchemaReader.of(library, name)
    for component in library.components(name):
        module.schemas.append((component, reader.component(component)))
    module.operations = read_operations(library, name, reader)
    _box_cycles(reader.types)
    module.types = _in_order(reader.types, library.file(name))
    module.uses = sorted(reader.uses)
    return module


def _box_cycles(types):
    """An optional member through which a type would hold itself by value goes to the heap."""
    by_name = {t.name: t for t in types}

    def reaches(start, goal, seen):
        if start == goal:
            return True
        if start in seen or start not in by_name:
            return False
        seen.add(start)
        return any(reaches(n, goal, seen) for n, soft in by_name[start].needs() if not soft)

    for made in types:
        for member in getattr(made, "members", []):
            hard = [n for n, soft in member.shape.needs if not soft]
            if any(reaches(n, made.name, set()) for n in hard):
                if member.required or member.shape.nullable:
                    continue  # _in_order refuses it
                member.boxed = True


def _in_order(types, file):
    """Types after what they hold by value; a type that holds itself through Box or an array may."""
    by_name = {t.name: t for t in types}
    done, order, open_names = set(), [], []

    def visit(t, soft):
        if t.name in done:
            return
        if t.name in open_names:
            if soft:
                return
            cycle = " -> ".join(open_names[open_names.index(t.name):] + [t.name])
            raise Refusal(file, f"types hold each other by value: {cycle}")
        open_names.append(t.name)
        for name, is_soft in t.needs():
            if name in by_name:
                visit(by_name[name], is_soft)
        open_names.pop()
        done.add(t.name)
        order.append(t)

    for t in types:
        visit(t, False)
    return order
