#include "demo_green/door.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <variant>

#include "demo_green/books.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr double grid_max = 2000;

std::optional<double> number(const json::Value* value) {
  if (value == nullptr) return std::nullopt;
  const auto* read = std::get_if<json::Value::Number>(&value->held);
  return read == nullptr ? std::nullopt : std::optional(std::strtod(read->digits.c_str(), nullptr));
}

}  // namespace

void Door::handle(http::Request request, ReplyFn reply) {
  if (request.target == "/m8") {
    hear(request.body);
    return reply({204, {}, {}});
  }
  if (request.target == "/green/grid" && request.method == "POST") {
    hold(request.body);
    return reply({204, {}, {}});
  }
  if (request.target != "/green/state" || !state) return reply({404, {}, {}});
  reply({200, {{"content-type", "application/json"}}, state()});
}

void Door::hold(const std::string& body) {
  const auto read = json::parse(body);
  if (!read || read->object() == nullptr) return;
  for (std::size_t i = 0; i < green_places; ++i)
    if (const auto grid = number(read->find(green_ids[i])))
      held[i] = *grid < 0 ? std::nullopt : std::optional(std::min(*grid, grid_max));
}

void Door::hear(const std::string& body) {
  const auto read = json::parse(body);
  const auto* list = read ? read->find("reports") : nullptr;
  if (list == nullptr || list->array() == nullptr || list->array()->empty()) return;
  const auto* value = list->array()->back().find("energyConsumptionValue");
  if (value == nullptr) return;
  if (const auto wh = number(value->find("value"))) reported_wh = std::max(reported_wh, *wh);
  if (const auto off = number(value->find("relUncertainty"))) reported_off = *off;
  ++reports;
}

}  // namespace lobo::app
