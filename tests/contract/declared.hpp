#pragma once
// What api/*.yaml declares of each operation's answers, read from the documents themselves:
// statuses, and the schema of each body. Holds answers against it.

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "wire/http/message.hpp"

namespace lobo::contract {

struct DeclaredBody {
  std::string content_type;
  std::string document;  ///< of the schema, without .yaml
  std::string schema;
};

struct DeclaredOperation {
  std::string method;
  std::string path;  ///< server base and template
  std::map<int, std::optional<DeclaredBody>> answers;
};

/// By operationId, of the documents that the control plane serves.
const std::map<std::string, DeclaredOperation>& declared();

/// The same of the media application function.
const std::map<std::string, DeclaredOperation>& declared_media();
/// Of the SEALDD server.
const std::map<std::string, DeclaredOperation>& declared_sealdd();

/// The same of the metaverse enabler's server.
const std::map<std::string, DeclaredOperation>& declared_metaverse();

/// The operation that a request is for; null where there is none.
const DeclaredOperation* operation_of(const http::Request& request);

/// What is wrong with an answer: a status that is not declared, a body that the schema refuses, a
/// body where none is declared. Empty: nothing.
std::string wrong_with(const http::Request& request, const http::Response& response);

}  // namespace lobo::contract
