#pragma once
// Answers that several resources give. Private to this folder.

#include <string>
#include <string_view>
#include <utility>

#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::sealdd {

inline http::Response json_answer(int status, std::string body) {
  return {status, {{"content-type", "application/json"}}, std::move(body)};
}

/// A ProblemDetails with a cause of ours.
inline http::Response refusal(int status, std::string_view title, std::string_view cause,
                              std::string_view detail) {
  http::Response out{status,
                     {{"content-type", "application/problem+json"}},
                     "{\"title\":" + json::quoted(title) + ",\"status\":" + std::to_string(status) +
                         ",\"detail\":" + json::quoted(detail) +
                         ",\"cause\":" + json::quoted(cause) + "}"};
  return out;
}

}  // namespace lobo::sealdd
