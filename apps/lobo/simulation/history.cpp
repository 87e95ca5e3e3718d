#include "simulation/history.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "base/text.hpp"
#include "sim/network.hpp"

namespace lobo::app::simulation {

void History::add(const std::string& line) {
  digest_ = fnv1a(line, digest_);
  if (lines_ != nullptr) *lines_ << line << '\n';
}

void History::message(const sim::Passed& passed) {
  ++messages_;
  const auto micros = passed.at.time_since_epoch().count();
  std::string what = "(no answer)";
  std::uint64_t body = 0;
  if (passed.request != nullptr) {
    what = passed.request->method + ' ' + passed.request->target;
    body = fnv1a(passed.request->body);
  } else if (passed.response != nullptr) {
    what = std::to_string(passed.response->status);
    body = fnv1a(passed.response->body);
  }
  add(fmt::format("{} {} -> {}: {} [{:016x}]{}{}", micros, passed.from, passed.to, what, body,
                  passed.fault.empty() ? "" : " !", passed.fault));
}

void History::remark(Instant at, const std::string& text) {
  add(fmt::format("{} -- {}", at.time_since_epoch().count(), text));
}

}  // namespace lobo::app::simulation
