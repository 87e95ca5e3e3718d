#include "impair_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/impair/proxy.hpp"
#include "base/result.hpp"
#include "output.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/impair/line.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

struct Knob {
  std::string_view name;
  double most;
};
constexpr std::array<Knob, 7> knobs{{{"loss", 100},
                                     {"loss-run", 1000},
                                     {"delay", 60'000},
                                     {"jitter", 60'000},
                                     {"reorder", 100},
                                     {"rate", 100'000'000},
                                     {"queue", 60'000}}};

Result<std::array<double, 2>> both_ways(const Knob& knob, std::string_view text) {
  const auto slash = text.find('/');
  const std::array parts{text.substr(0, slash),
                         slash == std::string_view::npos ? text : text.substr(slash + 1)};
  std::array<double, 2> out{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const char* end = parts[i].data() + parts[i].size();
    const auto read = std::from_chars(parts[i].data(), end, out[i]);
    if (read.ec != std::errc{} || read.ptr != end || !std::isfinite(out[i]) || out[i] < 0 ||
        out[i] > knob.most)
      return fail(Errc::out_of_range,
                  fmt::format("--{} wants a number from 0 to {}, or UP/DOWN, not '{}'", knob.name,
                              knob.most, text));
  }
  return out;
}

std::string statistics(const impair::Statistics& told) {
  return fmt::format(R"({{"taken":{},"lost":{},"dropped":{},"reordered":{},"delivered":{}}})",
                     told.taken, told.lost, told.dropped, told.reordered, told.delivered);
}

}  // namespace

Result<ImpairLines> impair_lines(const ImpairText& text) {
  std::array<std::array<double, 2>, knobs.size()> said{};
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    const auto read = both_ways(knobs[i], text(knobs[i].name));
    if (!read) return fail(read.error());
    said[i] = *read;
  }
  const auto& [loss, run, delay, jitter, reorder, rate, queue] = said;
  const auto micros = [](double ms) { return std::chrono::microseconds{std::llround(ms * 1000)}; };
  const auto share = [](double percent) {
    return impair::PerMillion{static_cast<std::uint32_t>(std::lround(percent * 10'000))};
  };
  std::array<impair::Settings, 2> lines;
  for (std::size_t i = 0; i < lines.size(); ++i)
    lines[i] = {.loss = share(loss[i]),
                .loss_run = static_cast<std::uint32_t>(std::lround(run[i])),
                .delay = micros(delay[i]),
                .jitter = micros(jitter[i]),
                .reorder = share(reorder[i]),
                .rate = {static_cast<std::uint64_t>(std::llround(rate[i] * 1000))},
                .queue_max = micros(queue[i])};
  return ImpairLines{lines[0], lines[1]};
}

ImpairControl::ImpairControl(adapters::impair::Proxy& proxy, const ImpairText& text)
    : proxy_(proxy) {
  for (const auto& knob : knobs) said_.emplace_back(knob.name, text(knob.name));
}

void ImpairControl::handle(http::Request request, ReplyFn reply) {
  if (request.target == "/rebind" && request.method == "PUT") {
    if (const auto done = proxy_.rebind(); !done)
      return reply(http::problem(done.error(), request.target));
    return reply({204, {}, {}});
  }
  if (request.target != "/line") return reply(http::problem(404, "there are /line and /rebind"));
  if (request.method == "PUT") {
    if (const auto changed = change(request.body); !changed)
      return reply(http::problem(changed.error(), request.target));
  } else if (request.method != "GET") {
    return reply(http::problem(405, "GET or PUT"));
  }
  reply({200, {{"content-type", "application/json"}}, told()});
}

Result<void> ImpairControl::change(const std::string& body) {
  const auto read = json::parse(body);
  if (!read) return fail(read.error());
  if (read->object() == nullptr) return fail(Errc::malformed, "an object is wanted");
  auto next = said_;
  for (const auto& [name, value] : *read->object()) {
    const auto known = std::ranges::find(next, name, &std::pair<std::string, std::string>::first);
    if (known == next.end()) return fail(Errc::not_allowed, "no option of lobo impair: " + name);
    const auto* digits = std::get_if<json::Value::Number>(&value.held);
    if (digits == nullptr && value.text() == nullptr)
      return fail(Errc::malformed, name + " wants a number, or a text of two: UP/DOWN");
    known->second = digits != nullptr ? digits->digits : *value.text();
  }
  const auto lines = impair_lines([&](std::string_view name) {
    return std::ranges::find(next, name, &std::pair<std::string, std::string>::first)->second;
  });
  if (!lines) return fail(lines.error());
  said_ = std::move(next);
  proxy_.set(lines->up, lines->down);
  return {};
}

std::string ImpairControl::told() const {
  std::string text = "{";
  for (const auto& [name, value] : said_)
    text += fmt::format("{}:{},", json_quoted(name), json_quoted(value));
  return text + fmt::format(R"("clients":{},"counted":{{"up":{},"down":{}}}}})",
                            proxy_.counters().clients, statistics(proxy_.up()),
                            statistics(proxy_.down()));
}

}  // namespace lobo::app
