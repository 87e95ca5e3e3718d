#pragma once
// What a bad network is told: by options when it starts, by requests while it runs. Names, units
// and ranges are the same.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/impair/proxy.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/impair/line.hpp"

namespace lobo::app {

struct ImpairLines {
  impair::Settings up;
  impair::Settings down;
};

/// What the option of that name says: "5" for both directions, "5/1" for up and down.
using ImpairText = std::function<std::string(std::string_view name)>;
Result<ImpairLines> impair_lines(const ImpairText& text);

/// GET /line tells what holds and what has been counted; PUT /line changes what its members name
/// ({"loss": 5, "delay": "20/40"}), the rest stays; PUT /rebind makes every client come from
/// another port. No page of another origin can say PUT.
class ImpairControl final : public runtime::HttpHandler {
 public:
  /// `proxy` outlives it. `text` is what the options said.
  ImpairControl(adapters::impair::Proxy& proxy, const ImpairText& text);
  void handle(http::Request request, ReplyFn reply) override;

 private:
  Result<void> change(const std::string& body);
  std::string told() const;

  adapters::impair::Proxy& proxy_;
  std::vector<std::pair<std::string, std::string>> said_;
};

}  // namespace lobo::app
