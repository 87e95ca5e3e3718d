#include "contract/declared.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/documents.hpp"
#include "base/text.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::contract {
namespace {

struct Place {
  YAML::Node node;
  std::string document;
};

const YAML::Node& document(const std::string& name) {
  static std::map<std::string, YAML::Node> all;
  const auto found = all.find(name);
  if (found != all.end()) return found->second;
  return all.emplace(name, YAML::LoadFile(std::string(LOBO_SOURCE_DIR) + "/api/" + name + ".yaml"))
      .first->second;
}

struct Reference {
  std::string document;
  std::vector<std::string> path;
};

Reference parse(const std::string& text, const std::string& from) {
  const auto hash = text.find('#');
  std::string file = text.substr(0, hash);
  Reference out{.document = file.empty()
                                ? from
                                : file.substr(0, file.size() - std::string_view(".yaml").size()),
                .path = {}};
  for (const auto step : split(std::string_view(text).substr(hash + 2), '/'))
    out.path.emplace_back(step);
  return out;
}

Place follow(Place place) {
  while (place.node["$ref"]) {
    const auto reference = parse(place.node["$ref"].as<std::string>(), place.document);
    YAML::Node at;
    at.reset(document(reference.document));
    for (const auto& step : reference.path) at.reset(at[step]);
    place = {at, reference.document};
  }
  return place;
}

std::optional<DeclaredBody> body_of(const Place& response) {
  const auto content = response.node["content"];
  if (!content) return std::nullopt;
  const auto first = content.begin();
  // Media of any type: octets have no schema.
  if (first->first.as<std::string>() == "*/*") return DeclaredBody{"*/*", {}, {}};
  const auto schema = parse(first->second["schema"]["$ref"].as<std::string>(), response.document);
  return DeclaredBody{first->first.as<std::string>(), schema.document, schema.path.back()};
}

DeclaredOperation read(const std::string& name, const std::string& path, const std::string& method,
                       const YAML::Node& operation) {
  DeclaredOperation out{.method = method, .path = path, .answers = {}};
  std::ranges::transform(out.method, out.method.begin(), [](char c) {
    return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  });
  for (const auto& entry : operation["responses"]) {
    const auto status = entry.first.as<std::string>();
    if (status == "default") continue;  // Names no status, so it declares none.
    out.answers.emplace(std::stoi(status), body_of(follow({entry.second, name})));
  }
  return out;
}

const json::NamedSchema* schema(const DeclaredBody& body) {
  for (const auto& one : api::documents()) {
    if (one.name != body.document) continue;
    for (const auto& candidate : one.schemas())
      if (candidate.name == body.schema) return &candidate;
  }
  return nullptr;
}

bool matches(const std::string& pattern, std::string_view path) {
  const auto wanted = split(std::string_view(pattern).substr(1), '/');
  const auto given = split(path.substr(1), '/');
  if (wanted.size() != given.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i].front() == '{' ? given[i].empty() : wanted[i] != given[i]) return false;
  return true;
}

std::map<std::string, DeclaredOperation> of_documents(const std::vector<std::string>& names) {
  std::map<std::string, DeclaredOperation> out;
  for (const auto& name : names) {
    const auto& root = document(name);
    auto base = root["servers"][0]["url"].as<std::string>();
    if (const auto brace = base.find('}'); brace != std::string::npos)
      base = base.substr(brace + 1);
    for (const auto& path : root["paths"])
      for (const auto& method : path.second)
        if (method.second.IsMap() && method.second["operationId"])
          out.emplace(method.second["operationId"].as<std::string>(),
                      read(name, base + path.first.as<std::string>(),
                           method.first.as<std::string>(), method.second));
  }
  return out;
}

}  // namespace

const std::map<std::string, DeclaredOperation>& declared() {
  static const auto all = of_documents(
      {"ss_nra", "nra_adaptation", "nra_mm_qos", "nra_reliable", "ss_nrm", "nrm_callbacks"});
  return all;
}

const std::map<std::string, DeclaredOperation>& declared_media() {
  static const auto all = of_documents(
      {"media_m1", "media_m5", "media_e3", "media_e5", "media_network", "media_steering"});
  return all;
}

const std::map<std::string, DeclaredOperation>& declared_metaverse() {
  static const auto all = of_documents({"mm_das", "mm_pol", "mm_mdrb", "mm_callbacks"});
  return all;
}

const std::map<std::string, DeclaredOperation>& declared_sealdd() {
  static const auto all =
      of_documents({"sdd_connections", "sdd_relay", "sdd_transmission", "sdd_tqm", "sdd_policy",
                    "sdd_context", "sdd_storage", "sdd_das"});
  return all;
}

const DeclaredOperation* operation_of(const http::Request& request) {
  const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
  if (path.empty() || path.front() != '/') return nullptr;
  for (const auto* all :
       {&declared(), &declared_media(), &declared_metaverse(), &declared_sealdd()})
    for (const auto& [id, operation] : *all)
      if (operation.method == request.method && matches(operation.path, path)) return &operation;
  return nullptr;
}

std::string wrong_with(const http::Request& request, const http::Response& response) {
  const auto* operation = operation_of(request);
  if (operation == nullptr) {
    const bool fits = response.status == 404 || response.status == 405;
    return fits ? "" : "an unknown operation was answered " + std::to_string(response.status);
  }
  const std::string at = request.method + ' ' + request.target.substr(0, 120) + " -> " +
                         std::to_string(response.status);
  const auto answer = operation->answers.find(response.status);
  if (answer == operation->answers.end())
    return at + ", which is not declared: " + response.body.substr(0, 300);
  if (!answer->second) return response.body.empty() ? "" : at + " has a body, and none is declared";
  if (answer->second->content_type == "*/*") return {};
  if (response.headers.find("content-type").value_or("") != answer->second->content_type)
    return at + " is not " + answer->second->content_type;
  const auto* type = schema(*answer->second);
  if (type == nullptr) return at + ": no schema " + answer->second->schema;
  const auto read_back = type->round_trip(response.body);
  if (read_back) return {};
  return at + " has a body that " + answer->second->schema +
         " refuses: " + response.body.substr(0, 300);
}

}  // namespace lobo::contract
