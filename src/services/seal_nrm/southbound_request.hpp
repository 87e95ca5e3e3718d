#pragma once
// A request to a network function, as all of southbound_*.cpp make it.

#include <string>
#include <utility>

#include "wire/http/message.hpp"

namespace lobo::seal_nrm {

/// `content_type` is empty where there is no body.
inline http::Request request_of(std::string method, std::string target,
                                std::string content_type = {}, std::string body = {}) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers.add("accept", "application/json, application/problem+json");
  if (!content_type.empty()) request.headers.add("content-type", std::move(content_type));
  request.body = std::move(body);
  return request;
}

}  // namespace lobo::seal_nrm
