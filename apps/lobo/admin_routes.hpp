#pragma once
// What the administration's listener offers (api/admin.yaml): metrics, health, readiness,
// capabilities, and the notifications that were given up. It is bound to loopback, and says no to
// anybody else besides.

#include <functional>
#include <string>

#include "api/admin.hpp"
#include "runtime/notifier.hpp"
#include "runtime/ports.hpp"

namespace lobo::app {

inline constexpr std::size_t parked_page_max = 1000;

struct AdminSources {
  std::function<std::string()> metrics;  ///< Prometheus text
  std::function<Result<void>()> ready;   ///< or why it is not
  std::function<api::admin::Capabilities()> capabilities;
  const runtime::Store& store;
  runtime::Notifier& notifier;
};

class AdminHandler final : public runtime::HttpHandler {
 public:
  /// `sources` outlives the handler.
  explicit AdminHandler(const AdminSources& sources) : sources_(sources) {}
  void handle(http::Request request, ReplyFn reply) override;

 private:
  http::Response answer(const http::Request& request) const;
  const AdminSources& sources_;
};

}  // namespace lobo::app
