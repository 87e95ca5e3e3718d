#pragma once
// What an administration listener answers: metrics, health, readiness, and a page for people.
// Loopback only.

#include <functional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

struct StatusSources {
  std::string name;  ///< of the page for people: /status/NAME
  std::string more;  ///< other paths that somebody else answers, for who asks for none of them
  std::function<std::string()> metrics;  ///< Prometheus text
  std::function<std::string()> status;   ///< JSON
  std::function<Result<void>()> ready;   ///< or why it is not
};

class StatusPages final : public runtime::HttpHandler {
 public:
  explicit StatusPages(StatusSources sources) : sources_(std::move(sources)) {}
  void handle(http::Request request, ReplyFn reply) override { reply(answer(request)); }
  http::Response answer(const http::Request& request) const;

 private:
  StatusSources sources_;
};

/// For other pages beside these.
http::Response json_page(std::string body);
http::Response no_method(std::string_view allowed);
http::Response not_from_here();

}  // namespace lobo::app
