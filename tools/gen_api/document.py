"""Loads the documents and follows references among them."""

import os

import yaml

from errors import Refusal


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without its surprises: duplicate keys are refused, dates and yes/no stay text."""


def _mapping(loader, node, deep=False):
    result = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in result:
            mark = key_node.start_mark
            raise Refusal(f"{mark.name}:{mark.line + 1}", f"the key '{key}' stands twice")
        result[key] = loader.construct_object(value_node, deep=True)
    return result


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers
            if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _first in "tTfF":
    _Loader.yaml_implicit_resolvers.setdefault(_first, []).insert(
        0, ("tag:yaml.org,2002:bool", __import__("re").compile(r"^(?:true|false)$")))


class Library:
    """All documents below a folder; a document's name is its path there without .yaml."""

    def __init__(self, root, formats):
        self.root = root
        self.formats = formats
        self.documents = {}
        self.readers = {}  # schemas.SchemaReader by document
        for path in sorted(root.rglob("*.yaml")):
            name = path.relative_to(root).with_suffix("").as_posix()
            self.documents[name] = self._load(path)
        if not self.documents:
            raise Refusal(root, "holds no *.yaml")

    def names(self):
        return list(self.documents)

    def file(self, name):
        return f"{self.root.name}/{name}.yaml"

    @staticmethod
    def _load(path):
        try:
            with open(path, encoding="utf-8") as stream:
                document = yaml.load(stream, Loader=_Loader)  # a SafeLoader, see above
        except yaml.YAMLError as error:
            raise Refusal(path, f"is not YAML: {error}") from error
        if not isinstance(document, dict):
            raise Refusal(path, "must be a mapping")
        if str(document.get("openapi", "")).split(".")[:2] != ["3", "0"]:
            raise Refusal(path, "openapi must be 3.0.x")
        return document

    def target(self, name, ref, where, section="schemas"):
        """(document name, component name) of a reference as it stands in document `name`."""
        file, _, pointer = ref.partition("#")
        prefix = f"/components/{section}/"
        if not pointer.startswith(prefix) or "/" in pointer[len(prefix):]:
            raise Refusal(where, f"$ref '{ref}' must point to #{prefix}NAME")
        target = name
        if file:
            folder = os.path.dirname(name)
            target = os.path.normpath(os.path.join(folder, file)).replace(os.sep, "/")
            if not target.endswith(".yaml") or target[:-5] not in self.documents:
                raise Refusal(where, f"$ref '{ref}': there is no {self.root.name}/{target}")
            target = target[:-5]
        component = pointer[len(prefix):]
        if component not in self.components(target, section):
            raise Refusal(where, f"$ref '{ref}': {self.file(target)} has no such component")
        return target, component

    def components(self, name, section="schemas"):
        return (self.documents[name].get("components") or {}).get(section) or {}
