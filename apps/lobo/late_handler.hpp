#pragma once
// Stands where a server wants its handler before the handler can exist: the handler has to know the
// port that the server got. Nothing arrives before the loop runs.

#include <utility>

#include "base/require.hpp"
#include "runtime/ports.hpp"

namespace lobo::app {

class LateHandler final : public runtime::HttpHandler {
 public:
  void hand_to(runtime::HttpHandler& handler) { handler_ = &handler; }
  void handle(http::Request request, ReplyFn reply) override {
    require(handler_ != nullptr);
    handler_->handle(std::move(request), std::move(reply));
  }

 private:
  runtime::HttpHandler* handler_ = nullptr;
};

}  // namespace lobo::app
