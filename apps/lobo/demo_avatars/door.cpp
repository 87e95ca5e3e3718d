#include "demo_avatars/door.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "adapters/trace/trace_view.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "demo_avatars/room.hpp"
#include "demo_avatars/web_files.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using adapters::trace::SeenMessage;

constexpr std::size_t tab_messages_max = 200;

std::string_view media_type(std::string_view name) {
  return name.ends_with(".html") ? "text/html; charset=utf-8" : "text/javascript; charset=utf-8";
}

std::string quoted(std::string_view text) { return json::to_text({std::string(text)}); }

std::string text_at(const json::Value& value, std::string_view name) {
  const auto* found = value.find(name);
  return found != nullptr && found->text() != nullptr ? *found->text() : std::string();
}

}  // namespace

std::optional<double> number_at(const json::Value& value, std::string_view path) {
  const json::Value* at = &value;
  for (const auto name : split(path, '.'))
    if (at = at->find(name); at == nullptr) return std::nullopt;
  const auto* digits = std::get_if<json::Value::Number>(&at->held);
  return digits == nullptr ? std::nullopt
                           : std::optional(std::strtod(digits->digits.c_str(), nullptr));
}

void AvatarsDoor::draw(SeenMessage message) {
  if (drawn_.size() >= arrows_max) return;
  const auto later = std::ranges::upper_bound(drawn_, message.at, {}, &SeenMessage::at);
  drawn_.insert(later, std::move(message));
}

/// What a page has sent and heard on its control stream, and its figures.
void AvatarsDoor::hear(const json::Value& told) {
  const auto name = text_at(told, "name");
  if (name.empty() || (tabs_.size() >= tabs_max && !tabs_.contains(name))) return;
  if (const auto* list = told.find("messages"); list != nullptr && list->array() != nullptr) {
    std::size_t left = tab_messages_max;
    for (const auto& one : *list->array()) {
      if (left-- == 0) break;
      const bool sent = one.find("sent") != nullptr && one.find("sent")->boolean().value_or(false);
      const auto at = number_at(one, "at").value_or(0);
      draw({.at = Instant(std::chrono::microseconds(static_cast<std::int64_t>(at * 1000))),
            .from = sent ? "browser" : "relay",
            .to = sent ? "relay" : "browser",
            .text = text_at(one, "text"),
            .clause = "sdd/1",
            .request = sent});
    }
  }
  tabs_.insert_or_assign(name, Tab{told, std::chrono::steady_clock::now()});
}

http::Response AvatarsDoor::state(std::string_view query) const {
  const auto eq = query.rfind("after=");
  const auto after =
      eq == std::string_view::npos ? std::nullopt : parse_decimal(query.substr(eq + 6));
  std::string arrows;
  // All of them where there is any that the page has not: one that comes late stands between
  // others.
  const bool more = drawn_.size() > after.value_or(0);
  for (std::size_t i = 0; more && i < drawn_.size(); ++i) {
    const auto& one = drawn_[i];
    const double seconds =
        std::max(0.0, std::chrono::duration<double>(one.at - drawn_.front().at).count());
    arrows += fmt::format(R"({}{{"from":{},"to":{},"text":{},"when":"{:.1f}","request":{}}})",
                          arrows.empty() ? "" : ",", quoted(one.from), quoted(one.to),
                          quoted(one.text), seconds, one.request);
  }
  return {200,
          {{"content-type", "application/json"}, {"cache-control", "no-store"}},
          fmt::format(R"({{"network":{{"quality":{:.0f},"text":{}}},"arrows":[{}]}})", slider,
                      quoted(quality_text(quality_of(slider))), arrows)};
}

http::Response AvatarsDoor::answer(const http::Request& request) {
  const auto mark = request.target.find('?');
  const auto path = std::string_view(request.target).substr(0, mark);
  const auto query = mark == std::string::npos ? std::string_view()
                                               : std::string_view(request.target).substr(mark + 1);
  if (request.method == "POST") {
    const auto body = json::parse(request.body);
    if (!body) return {400, {}, {}};
    if (path == "/avatars/told") hear(*body);
    if (path == "/avatars/network")
      if (const auto quality = number_at(*body, "quality"); quality && std::isfinite(*quality)) {
        slider = std::clamp(*quality, 0.0, 100.0);
        if (set_network) set_network(slider);
      }
    return {204, {}, {}};
  }
  if (request.method != "GET") return {405, {}, {}};
  if (path == "/")
    return {302, {{"location", "/avatars/" + (query.empty() ? "" : '?' + std::string(query))}}, {}};
  if (path == "/avatars/setup") return {200, {{"content-type", "application/json"}}, setup};
  if (path == "/avatars/state") return state(query);
  const auto name = path == "/avatars/" ? std::string_view("avatars/index.html") : path.substr(1);
  const auto text = web_file(name);
  if (!text) return {404, {}, {}};
  return {200,
          {{"content-type", std::string(media_type(name))}, {"cache-control", "no-store"}},
          std::string(*text)};
}

void AvatarsDoor::handle(http::Request request, ReplyFn reply) { reply(answer(request)); }

}  // namespace lobo::app
