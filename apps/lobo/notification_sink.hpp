#pragma once
// Takes notifications as an application would: 204 to every POST, and the body handed on.

#include <functional>
#include <string>
#include <utility>

#include "runtime/ports.hpp"

namespace lobo::app {

class NotificationSink final : public runtime::HttpHandler {
 public:
  using Heard = std::function<void(const std::string& path, const std::string& body)>;
  explicit NotificationSink(Heard heard) : heard_(std::move(heard)) {}

  void handle(http::Request request, ReplyFn reply) override {
    const bool right = request.method == "POST";
    reply({.status = right ? 204 : 405, .headers = {}, .body = {}});
    if (right) heard_(request.target, request.body);
  }

 private:
  Heard heard_;
};

}  // namespace lobo::app
