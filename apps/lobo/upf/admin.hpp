#pragma once
// What the UPF's administration listener answers: metrics, health, readiness, and a page for
// people. Loopback only, as with the other servers.

#include <functional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

struct UpfPages {
  std::function<std::string()> metrics;  ///< Prometheus text
  std::function<std::string()> status;   ///< JSON
  std::function<Result<void>()> ready;   ///< or why it is not
};

class UpfAdmin final : public runtime::HttpHandler {
 public:
  explicit UpfAdmin(UpfPages pages) : pages_(std::move(pages)) {}
  void handle(http::Request request, ReplyFn reply) override;

 private:
  http::Response answer(const http::Request& request) const;
  UpfPages pages_;
};

}  // namespace lobo::app
