#pragma once
// The HTTP side of `lobo demo green`: what the page asks and moves, and what the provider hears on
// M8.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "demo_green/books.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

class Door final : public runtime::HttpHandler {
 public:
  std::function<std::string()> state;
  std::array<std::optional<double>, green_places> held;  ///< by a slider
  double reported_wh = 0;
  double reported_off = 0;
  std::uint64_t reports = 0;

  void handle(http::Request request, ReplyFn reply) override;

 private:
  void hold(const std::string& body);
  void hear(const std::string& body);
};

}  // namespace lobo::app
