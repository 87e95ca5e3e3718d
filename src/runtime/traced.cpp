#include "runtime/traced.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::runtime {
namespace {

struct TraceParent {
  std::string trace;
  std::string span;
};

/// "00-TRACE-SPAN-01"; nothing for any other form, which is then as good as absent.
std::optional<TraceParent> parse(std::string_view header) {
  constexpr std::size_t trace_at = 3, trace_digits = 32, span_at = 36, span_digits = 16;
  if (header.size() != 55 || header.substr(0, 3) != "00-" || header[35] != '-' || header[52] != '-')
    return std::nullopt;
  const auto trace = header.substr(trace_at, trace_digits);
  const auto span = header.substr(span_at, span_digits);
  constexpr std::string_view hex = "0123456789abcdef";
  if (trace.find_first_not_of(hex) != std::string_view::npos ||
      span.find_first_not_of(hex) != std::string_view::npos)
    return std::nullopt;
  return TraceParent{std::string(trace), std::string(span)};
}

/// Identifiers and secrets (32 or more hexadecimal digits, as random_id makes them) cut to what
/// tells them apart: a trace is shown around, and what opens our callbacks must not be in it.
std::string shortened(std::string_view text) {
  constexpr std::size_t secret_digits_min = 32, shown = 8;
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const auto run = std::min(text.find_first_not_of(hex), text.size());
    out += text.substr(0, run >= secret_digits_min ? shown : run);
    if (run >= secret_digits_min) out += "...";
    text.remove_prefix(run);
    const auto between = std::min(text.find_first_of(hex), text.size());
    out += text.substr(0, between);
    text.remove_prefix(between);
  }
  return out;
}

/// The start of a body; what the cut may have halved of a secret goes too.
std::string body_shown(std::string_view body) {
  return shortened(body).substr(0, trace_body_bytes_max);
}

TraceMessage message_of(const http::Request& request, const TraceParent& parent, Instant at) {
  const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
  return TraceMessage{.at = at,
                      .from = {},
                      .to = {},
                      .span = parent.span,
                      .trace = parent.trace,
                      .text = request.method + ' ' + shortened(path),
                      .clause = {},
                      .request = true,
                      .body = body_shown(request.body)};
}

/// The answer to `question`: the parties change places.
TraceMessage answer_to(const TraceMessage& question, Instant at, std::string text,
                       std::string_view body) {
  TraceMessage answer = question;
  std::swap(answer.from, answer.to);
  answer.at = at;
  answer.text = std::move(text);
  answer.request = false;
  answer.body = body_shown(body);
  return answer;
}

}  // namespace

void TracedHandler::handle(http::Request request, ReplyFn reply) {
  const auto header = request.headers.find("traceparent");
  const auto parent = header ? parse(*header) : std::nullopt;
  // Who did not send a span is a stranger; its messages are told from our side alone.
  auto question = message_of(request, parent.value_or(TraceParent{}), clock_.now());
  question.from = parent ? "" : "client";
  question.to = party_;
  trace_.message(question);
  inner_.handle(std::move(request), [this, question = std::move(question),
                                     reply = std::move(reply)](http::Response response) {
    trace_.message(
        answer_to(question, clock_.now(), std::to_string(response.status), response.body));
    reply(std::move(response));
  });
}

void TracedClient::send(http::Request request, std::chrono::milliseconds deadline, Done done) {
  const TraceParent parent{random_id(rng_), random_id(rng_).substr(0, 16)};
  request.headers.set("traceparent", "00-" + parent.trace + '-' + parent.span + "-01");
  auto question = message_of(request, parent, clock_.now());
  question.from = party_;
  question.to = request.authority;
  trace_.message(question);
  inner_.send(std::move(request), deadline,
              [this, question = std::move(question),
               done = std::move(done)](Result<http::Response> response) {
                const bool answered = response.has_value();
                trace_.message(
                    answer_to(question, clock_.now(),
                              answered ? std::to_string(response->status)
                                       : "(" + std::string(to_string(response.error().code)) + ")",
                              answered ? std::string_view(response->body)
                                       : std::string_view(response.error().detail)));
                done(std::move(response));
              });
}

}  // namespace lobo::runtime
