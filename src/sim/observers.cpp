#include "sim/observers.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::sim {

void SimLog::event(runtime::Level level, std::string_view name,
                   std::initializer_list<runtime::Field> fields) {
  if (events_.size() >= events_kept_max) events_.erase(events_.begin());
  Event event{level, std::string(name), {}};
  for (const auto& field : fields) {
    const auto* text = std::get_if<std::string_view>(&field.value);
    event.fields.emplace_back(
        field.name,
        text ? std::string(*text) : std::to_string(std::get<std::int64_t>(field.value)));
  }
  events_.push_back(std::move(event));
}

SimMetrics::Cell& SimMetrics::cell(std::string_view name, const runtime::Labels& labels) {
  std::string key(name);
  for (const auto& [label, value] : labels) key += '|' + label + '=' + value;
  auto& cell = cells_[key];
  if (!cell) cell = std::make_unique<Cell>();
  return *cell;
}
runtime::Counter& SimMetrics::counter(std::string_view name, const runtime::Labels& labels) {
  return cell(name, labels);
}
runtime::Counter& SimMetrics::gauge(std::string_view name, const runtime::Labels& labels) {
  return cell(name, labels);
}
runtime::Histogram& SimMetrics::histogram(std::string_view name, const runtime::Labels& labels) {
  return cell(name, labels);
}

double SimMetrics::total(std::string_view name) const {
  double sum = 0;
  for (const auto& [key, cell] : cells_)
    if (std::string_view(key).substr(0, key.find('|')) == name) sum += cell->value;
  return sum;
}

void SimAuthenticator::authenticate(const http::Request& request, Instant /*now*/,
                                    std::function<void(Result<resource::Principal>)> done) {
  const auto client = request.headers.find("x-lobo-client");
  if (!client) return done(fail(Errc::unauthenticated, "no x-lobo-client"));
  done(resource::Principal{std::string(*client), scopes_});
}

}  // namespace lobo::sim
