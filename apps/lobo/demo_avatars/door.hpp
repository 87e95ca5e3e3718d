#pragma once
// The HTTP side of `lobo demo avatars`: the pages' files, what they ask and move, what they tell.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {

inline constexpr std::size_t tabs_max = 64;
inline constexpr std::size_t arrows_max = 400;  ///< of the diagram; later ones are left out

/// What one page said last.
struct Tab {
  json::Value told;
  std::chrono::steady_clock::time_point at;
};

class AvatarsDoor final : public runtime::HttpHandler {
 public:
  std::string setup;                        ///< JSON for pages that begin
  std::function<void(double)> set_network;  ///< a slider was moved
  double slider = 100;

  void handle(http::Request request, ReplyFn reply) override;

  const std::map<std::string, Tab, std::less<>>& tabs() const { return tabs_; }
  /// A row more in the diagram, where its time is.
  void draw(adapters::trace::SeenMessage message);
  const std::vector<adapters::trace::SeenMessage>& drawn() const { return drawn_; }

 private:
  http::Response answer(const http::Request& request);
  http::Response state(std::string_view query) const;
  void hear(const json::Value& told);

  std::map<std::string, Tab, std::less<>> tabs_;
  std::vector<adapters::trace::SeenMessage> drawn_;
};

/// The number at a path of member names ("stats.rttMs"); nothing where there is none.
std::optional<double> number_at(const json::Value& value, std::string_view path);

}  // namespace lobo::app
