"""From paths to rows of resource::Operation."""

import re
from dataclasses import dataclass

from errors import Refusal, known_keys

METHODS = ("get", "put", "post", "delete", "patch")
PROTECTIONS = ("token", "secret", "loopback", "none")
BODY_BYTES_MAX = 65536  # resource::Operation::body_bytes_max
SCHEME = "oAuth2ClientCredentials"


@dataclass
class Operation:
    id: str
    method: str
    path: str
    scope: str
    content_type: str
    protection: str
    body_bytes_max: int
    other_content_type: str


def read_operations(library, name, reader):
    document = library.documents[name]
    file = library.file(name)
    base = _base(document, file)
    operations = []
    for path, item in (document.get("paths") or {}).items():
        where = f"{file} at paths{path}"
        known_keys(item, where, *METHODS, "parameters", "summary", "description")
        shared = [_parameter(library, name, p, reader, where) for p in item.get("parameters") or []]
        for method in METHODS:
            if method in item:
                operations.append(_operation(library, name, reader, document, base + path, method, item[method],
                                             shared, f"{where}/{method}"))
    seen = set()
    for operation in operations:
        if operation.id in seen:
            raise Refusal(file, f"operationId {operation.id} stands twice")
        seen.add(operation.id)
    return operations


def _base(document, file):
    servers = document.get("servers") or []
    if not document.get("paths"):
        return ""
    if not servers or "url" not in servers[0]:
        raise Refusal(file, "a document with paths needs servers[0].url")
    url = servers[0]["url"]
    path = url[len("{apiRoot}"):] if url.startswith("{apiRoot}") else url
    if path == "/":
        path = ""
    if path and (not path.startswith("/") or path.endswith("/") or "{" in path):
        raise Refusal(file, f"servers[0].url must be '{{apiRoot}}/NAME/VERSION' or '/NAME', not '{url}'")
    return path


def _operation(library, name, reader, document, path, method, node, shared, where):
    known_keys(node, where, "summary", "description", "operationId", "tags", "parameters", "requestBody", "responses",
               "callbacks", "security", "deprecated", "x-lobo-protection", "x-lobo-body-bytes-max")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", str(node.get("operationId", ""))):
        raise Refusal(where, "needs an operationId of letters and digits")
    parameters = shared + [_parameter(library, name, p, reader, where) for p in node.get("parameters") or []]
    in_template = re.findall(r"{([^{}]*)}", path)
    declared = [p["name"] for p in parameters if p["in"] == "path"]
    if sorted(in_template) != sorted(declared):
        raise Refusal(where, f"the path has {in_template}, its parameters have {declared}")
    content_types = ["", ""]
    if "requestBody" in node:
        content_types = _request_body(node["requestBody"], reader, node["operationId"], where + "/requestBody")
    _responses(library, name, node.get("responses"), reader, node["operationId"], where)
    for callback, by_expression in (node.get("callbacks") or {}).items():
        _callback(library, name, by_expression, reader, callback, f"{where}/callbacks/{callback}")
    protection = node.get("x-lobo-protection", "token")
    if protection not in PROTECTIONS:
        raise Refusal(where, f"x-lobo-protection must be one of {', '.join(PROTECTIONS)}")
    limit = node.get("x-lobo-body-bytes-max", BODY_BYTES_MAX)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit <= 0:
        raise Refusal(where, "x-lobo-body-bytes-max must be a whole number above 0")
    return Operation(node["operationId"], method.upper(), path, _scope(node, document, protection, where),
                     content_types[0], protection, limit, content_types[1])


def _scope(node, document, protection, where):
    security = node.get("security", document.get("security") if protection == "token" else [])
    if protection != "token":
        if security:
            raise Refusal(where, f"an operation protected by {protection} takes no security scope")
        return ""
    scopes = security[0].get(SCHEME) if isinstance(security, list) and len(security) == 1 else None
    if not isinstance(scopes, list) or len(scopes) != 1:
        raise Refusal(where, f"needs 'security: [{{{SCHEME}: [SCOPE]}}]' here or at the top of the document "
                             "(or another x-lobo-protection)")
    return scopes[0]


def _parameter(library, name, node, reader, where):
    if isinstance(node, dict) and "$ref" in node:
        target, component = library.target(name, node["$ref"], where, "parameters")
        if target != name:
            raise Refusal(where, "parameters are referred to inside one document only")
        node = library.components(name, "parameters")[component]
    known_keys(node, where, "name", "in", "required", "description", "schema", "example", "deprecated")
    here = f"{where} parameter {node.get('name')}"
    if node.get("in") not in ("path", "query", "header"):
        raise Refusal(here, "in must be path, query or header")
    if node["in"] == "path" and node.get("required") is not True:
        raise Refusal(here, "a path parameter must be required")
    if "schema" not in node:
        raise Refusal(here, "needs a schema")
    _body_schema(node["schema"], reader, here)
    return node


def _body_schema(schema, reader, where):
    """Schemas outside components must not declare types: they are references, scalars, or arrays of these."""
    count = len(reader.types)
    reader.shape(schema, "Inline", where)
    if len(reader.types) != count:
        made = reader.types[count:]
        # A reference may have been the first to reach its component, which is no declaration here.
        if any(t.name.startswith("Inline") for t in made):
            raise Refusal(where, "give this schema a name in components/schemas")


def _media(content, reader, where):
    if not isinstance(content, dict) or not content:
        raise Refusal(where, "needs content")
    for media, node in content.items():
        known_keys(node, f"{where}/{media}", "schema", "example", "examples")
        if "schema" in node:
            _body_schema(node["schema"], reader, f"{where}/{media}")
    return list(content)


def _request_body(node, reader, operation, where):
    known_keys(node, where, "description", "required", "content")
    kinds = _media(node.get("content"), reader, where)
    if len(kinds) > 2:
        raise Refusal(where, "an operation takes one content type or two")
    return (kinds + [""])[:2]


def _responses(library, name, node, reader, operation, where):
    if not isinstance(node, dict) or not node:
        raise Refusal(where, "needs responses")
    for status, response in node.items():
        here = f"{where}/responses/{status}"
        if not re.fullmatch(r"[1-5][0-9][0-9]|default", str(status)):
            raise Refusal(here, "must be a status code or default")
        if isinstance(response, dict) and "$ref" in response:
            library.target(name, response["$ref"], here, "responses")
            continue
        _response(response, reader, here)


def _response(response, reader, where):
    known_keys(response, where, "description", "content", "headers")
    if "description" not in response:
        raise Refusal(where, "needs a description")
    if "content" in response:
        _media(response["content"], reader, where)
    for header, node in (response.get("headers") or {}).items():
        known_keys(node, f"{where}/headers/{header}", "description", "required", "schema")
        _body_schema(node.get("schema"), reader, f"{where}/headers/{header}")


def _callback(library, name, by_expression, reader, callback, where):
    if not isinstance(by_expression, dict) or not by_expression:
        raise Refusal(where, "must map an expression to a path item")
    for expression, item in by_expression.items():
        known_keys(item, where, *METHODS)
        for method, node in item.items():
            known_keys(node, where, "summary", "description", "requestBody", "responses")
            if "requestBody" in node:
                _request_body(node["requestBody"], reader, callback, where)
            _responses(library, name, node.get("responses"), reader, callback, where)
