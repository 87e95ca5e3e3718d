#include "services/core_sim/callbacks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/faults.hpp"
#include "services/core_sim/journal.hpp"
#include "services/core_sim/timers.hpp"
#include "wire/http/message.hpp"
#include "wire/http/redirect.hpp"
#include "wire/http/url.hpp"

namespace lobo::core_sim {

namespace {

http::Request callback_request(std::string_view to, const std::string& body, bool enforced) {
  http::Request request;
  request.method = "POST";
  request.headers = {{"content-type", "application/json"},
                     {std::string(simulated_header),
                      std::string(enforced ? simulated_but_enforced : simulated_wholly)}};
  request.body = body;
  if (const auto url = http::parse_url(to)) {
    request.scheme = url->scheme;
    request.authority = url->authority();
    request.target = url->target;
  }
  return request;
}

/// The journal is JSON, where octets have no place.
std::string_view told(std::string_view gzip_of, const std::string& body) {
  return gzip_of.empty() ? std::string_view(body) : std::string_view{};
}

bool worth_repeating(const http::Response* response) {
  return response == nullptr || response->status == 429 || response->status >= 500;
}

}  // namespace

CallbackQueue::CallbackQueue(const CoreConfig& config, FaultPlan& faults, Journal& journal)
    : config_(config), faults_(faults), journal_(journal) {}

void CallbackQueue::push(Number number, std::string_view to, std::string_view operation,
                         std::string body, Instant due, Instant now, bool enforced) {
  push(number, to,
       Entry{.operation = std::string(operation),
             .body = std::move(body),
             .gzip_of = {},
             .step = {},
             .due = due,
             .enforced = enforced},
       now);
}

void CallbackQueue::push_gzip(Number number, std::string_view to, std::string_view operation,
                              std::string octets, std::string_view media_type,
                              std::string_view step, Instant now) {
  push(number, to,
       Entry{.operation = std::string(operation),
             .body = std::move(octets),
             .gzip_of = std::string(media_type),
             .step = std::string(step),
             .due = now},
       now);
}

void CallbackQueue::push(Number number, std::string_view to, Entry entry, Instant now) {
  const auto fault = faults_.strike_callback(entry.operation);
  const bool lost = fault && fault->kind == FaultKind::drop_callback;
  if (lost || pending_ >= config_.limits.callbacks_pending_max) {
    ++dropped_;
    JournalEntry note{.at = now, .incoming = false};
    note.operation = entry.operation;
    note.method = "POST";
    note.path = to;
    note.fault = lost ? to_string(FaultKind::drop_callback) : "TOO_MANY_PENDING";
    journal_.add(std::move(note), told(entry.gzip_of, entry.body));
    return;
  }

  if (fault && fault->kind == FaultKind::delay_callback) entry.due += fault->delay;
  if (fault && fault->kind == FaultKind::duplicate_callback) entry.twice = true;
  if (fault && fault->kind == FaultKind::reorder_callbacks) {
    entry.lets_next_pass = true;
    entry.due += reorder_hold_max;
  }

  auto& lane = lanes_[number];
  lane.to = to;
  // The one that lets the next pass is always the last, so at most one waits like that.
  if (!lane.waiting.empty() && lane.waiting.back().lets_next_pass &&
      !(lane.under_way && lane.waiting.size() == 1)) {
    auto& held = lane.waiting.back();
    held.lets_next_pass = false;
    held.due = entry.due;
    lane.waiting.insert(lane.waiting.end() - 1, std::move(entry));
  } else {
    lane.waiting.push_back(std::move(entry));
  }
  ++pending_;
  schedule(number, lane);
}

void CallbackQueue::schedule(Number number, Lane& lane) {
  if (lane.queued_at) ready_.erase({*lane.queued_at, number});
  lane.queued_at.reset();
  if (lane.under_way || lane.waiting.empty()) return;
  lane.queued_at = lane.waiting.front().due;
  ready_.emplace(*lane.queued_at, number);
}

std::optional<Instant> CallbackQueue::next_due() const {
  if (ready_.empty()) return std::nullopt;
  return ready_.begin()->first;
}

std::vector<OutgoingCallback> CallbackQueue::take_due(Instant now) {
  std::vector<OutgoingCallback> outgoing;
  while (!ready_.empty() && ready_.begin()->first <= now) {
    const auto number = ready_.begin()->second;
    auto& lane = lanes_.at(number);
    outgoing.push_back(send(number, lane, false, now));
    if (lane.waiting.front().twice) {
      lane.waiting.front().twice = false;
      outgoing.push_back(send(number, lane, true, now));
    }
    schedule(number, lane);
  }
  return outgoing;
}

http::Request CallbackQueue::request_of(const Entry& entry, std::string_view to) {
  auto request = callback_request(to, entry.body, entry.enforced);
  if (!entry.gzip_of.empty()) {
    request.headers.set("content-type", entry.gzip_of);
    request.headers.set("content-encoding", "gzip");
  }
  return request;
}

OutgoingCallback CallbackQueue::send(Number number, Lane& lane, bool duplicate, Instant now) {
  auto& entry = lane.waiting.front();
  const auto& to = destination(number, lane);
  JournalEntry note{.at = now, .incoming = false};
  note.operation = entry.operation;
  note.method = "POST";
  note.path = to;
  note.steps = entry.step;
  if (duplicate) note.fault = to_string(FaultKind::duplicate_callback);
  const auto sequence = journal_.add(std::move(note), told(entry.gzip_of, entry.body));

  const auto id = next_id_++;
  attempts_.emplace(id, Attempt{number, sequence, duplicate});
  if (!duplicate) {
    lane.under_way = id;
    ++entry.attempts;
  }
  ++sent_;
  return {id, request_of(entry, to)};
}

void CallbackQueue::answered(std::uint64_t id, const http::Response* response, Instant now) {
  const auto attempt = attempts_.find(id);
  if (attempt == attempts_.end()) return;
  const auto [number, sequence, duplicate] = attempt->second;
  attempts_.erase(attempt);
  journal_.answered(sequence, response == nullptr ? 0 : response->status);

  const auto at = lanes_.find(number);
  if (duplicate || at == lanes_.end() || at->second.under_way != id) return;
  auto& lane = at->second;
  lane.under_way.reset();
  const bool redirected =
      response != nullptr && (response->status == 307 || response->status == 308);
  const bool again = redirected ? redirect(number, lane, *response, now)
                                : worth_repeating(response) && retry(lane, now);
  if (again) return schedule(number, lane);
  if (response == nullptr || response->status >= 300) ++dropped_;
  finish_front(number, lane);
}

// The consumer may answer 307 or 308; 308 holds for what follows as well.
bool CallbackQueue::redirect(Number number, Lane& lane, const http::Response& response,
                             Instant now) {
  auto& entry = lane.waiting.front();
  const auto target =
      http::redirect_target(callback_request(destination(number, lane), {}, false), response);
  if (!target || ++entry.hops > callback_hops_max) return false;
  if (response.status == 308) {
    moved_.insert_or_assign(number, Moved{lane.to, target->text()});
    entry.redirected_to.clear();
  } else {
    entry.redirected_to = target->text();
  }
  --entry.attempts;
  entry.due = now;
  return true;
}

bool CallbackQueue::retry(Lane& lane, Instant now) {
  auto& entry = lane.waiting.front();
  if (entry.attempts >= config_.callback_attempts_max) return false;
  auto pause = std::min(config_.callback_retry_first, callback_retry_max);
  for (unsigned attempt = 1; attempt < entry.attempts && pause < callback_retry_max; ++attempt)
    pause = std::min(pause * 2, callback_retry_max);
  entry.due = now + pause;
  return true;
}

// A permanent redirect counts until the subscriber names another destination.
const std::string& CallbackQueue::destination(Number number, const Lane& lane) const {
  const auto& entry = lane.waiting.front();
  if (!entry.redirected_to.empty()) return entry.redirected_to;
  const auto moved = moved_.find(number);
  return moved != moved_.end() && moved->second.from == lane.to ? moved->second.to : lane.to;
}

void CallbackQueue::finish_front(Number number, Lane& lane) {
  lane.waiting.pop_front();
  --pending_;
  schedule(number, lane);
  if (lane.waiting.empty()) lanes_.erase(number);
}

void CallbackQueue::drop(Number number) {
  moved_.erase(number);
  const auto at = lanes_.find(number);
  if (at == lanes_.end()) return;
  auto& lane = at->second;
  const std::size_t keep = lane.under_way ? 1 : 0;
  pending_ -= lane.waiting.size() - keep;
  lane.waiting.erase(lane.waiting.begin() + static_cast<std::ptrdiff_t>(keep), lane.waiting.end());
  schedule(number, lane);
  if (lane.waiting.empty()) lanes_.erase(at);
}

void CallbackQueue::clear() {
  lanes_.clear();
  ready_.clear();
  attempts_.clear();
  moved_.clear();
  pending_ = 0;
}

}  // namespace lobo::core_sim
