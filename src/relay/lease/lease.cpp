#include "relay/lease/lease.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "relay/report.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/sdd/control.hpp"

namespace lobo::relay {

namespace rly = api::sdd_relay;
using api::sdd_connections::SddFlowState;

namespace {

SddFlowState state_of(FlowState state) {
  switch (state) {
    case FlowState::up: return SddFlowState::up;
    case FlowState::stalled: return SddFlowState::stalled;
    case FlowState::draining: return SddFlowState::draining;
    case FlowState::closed: break;
  }
  return SddFlowState::closed;
}

/// Refused for what was said, and would be again: asking once more does not help.
bool is_for_good(int status) {
  return status >= 400 && status < 500 && status != 401 && status != 403 && status != 408 &&
         status != 429;
}

}  // namespace

void Lease::Retry::failed(Instant now) {
  at = now + pause;
  pause = std::min(pause * 2, lease_retry_most);
}

Lease::Lease(LeaseSettings settings, Carried& carried, std::function<std::string()> name_beginning)
    : settings_(std::move(settings)),
      carried_(carried),
      name_beginning_(std::move(name_beginning)),
      beginning_(name_beginning_()) {
  carried_.bind({.held = false, .since = {}});
}

// ---- what is asked ------------------------------------------------------------------------------

Lease::Question Lease::question(Asking what, std::string method, std::string path, std::string body,
                                Instant now) const {
  return {.what = what,
          .method = std::move(method),
          .target = "/sdd-rly/v1/nodes/" + http::percent_encode(settings_.node) + path,
          .body = std::move(body),
          .deadline = deadline(),
          .term = term_,
          .asked = now};
}

/// An answer that is later than half a lease is no reason to miss the next one.
std::chrono::milliseconds Lease::deadline() const {
  return length_.count() == 0 ? settings_.deadline : std::min(settings_.deadline, length_ / 2);
}

std::optional<Lease::Question> Lease::registration(Instant now) {
  if (registering_ || now < registration_.at) return std::nullopt;
  registering_ = true;
  auto said = settings_.said;
  said.boot_id = beginning_;
  if (epoch_ > 0) said.epoch_seen = epoch_;
  said.orders_seen = seen_;
  return question(Asking::registration, "PUT", "", json::write(said), now);
}

std::optional<Lease::Question> Lease::report(Instant now) {
  if (reporting_ || now < report_.at) return std::nullopt;
  if (unanswered_.empty()) {
    const bool news = !changes_.empty() || seen_ != seen_told_ || !states_asked_.empty();
    const bool window = windows_due_ && !windows_.empty();
    if (!news && !window) return std::nullopt;
    rly::RelayReport made;
    made.seq = ++sequence_;
    made.epoch = epoch_;
    made.orders_seen = seen_;
    if (!changes_.empty()) {
      auto& told = made.flows.emplace();
      while (!changes_.empty() && told.size() < report_flows_max)
        told.push_back(std::move(changes_.extract(changes_.begin()).mapped()));
    }
    if (window) made.windows = windows_.take();
    // Together they could be more than the server takes; then its flows would not be told either.
    if (!window && !states_asked_.empty()) made.states = states(now);
    windows_due_ = windows_due_ && !windows_.empty();
    unanswered_ = json::write(made);
    seen_sent_ = seen_;
  }
  reporting_ = true;
  return question(Asking::report, "POST", "/reports", unanswered_, now);
}

std::vector<Lease::Question> Lease::ask(Instant now) {
  if (held_ && now >= until_) begin_anew(now);
  std::vector<Question> all;
  collect(now);
  if (auto one = registration(now)) all.push_back(std::move(*one));
  if (!held_) return all;
  if (auto one = report(now)) all.push_back(std::move(*one));
  if (!asking_ && now >= orders_.at) {
    asking_ = true;
    all.push_back(question(Asking::orders, "GET",
                           "/orders?after=" + std::to_string(seen_) +
                               "&wait=" + std::to_string(settings_.poll_wait.count()),
                           {}, now));
    all.back().deadline += settings_.poll_wait;
  }
  return all;
}

Lease::Question Lease::farewell(Instant now) {
  return question(Asking::farewell, "DELETE", "", {}, now);
}

Instant Lease::next_due(Instant now) const {
  Instant due = now + lease_window;
  if (!registering_) due = std::min(due, registration_.at);
  if (!held_) return std::max(due, now);
  due = std::min({due, until_, window_from_ + lease_window});
  const bool to_tell = !unanswered_.empty() || !changes_.empty() || seen_ != seen_told_ ||
                       windows_due_ || !states_asked_.empty();
  if (!reporting_ && to_tell) due = std::min(due, report_.at);
  if (!asking_) due = std::min(due, orders_.at);
  return std::max(due, now);
}

// ---- what the node did --------------------------------------------------------------------------

void Lease::note(const FlowChange& change) {
  if (change.state == FlowState::up)
    if (const auto standing = standing_.find(change.flow); standing != standing_.end())
      apply(change.flow, standing->second);
  if (!changes_.contains(change.flow) && changes_.size() >= flow_changes_max) {
    ++counts_.changes_lost;
    return;
  }
  rly::RelayFlowState told;
  told.flow_id = change.flow;
  told.ue_id = change.ue;
  told.state = state_of(change.state);
  if (change.cause != sdd::Cause::ok) told.cause = std::string(sdd::to_string(change.cause));
  // What a flow is now is what counts, not what it was on the way.
  changes_[change.flow] = std::move(told);
}

void Lease::collect(Instant now) {
  const auto news = carried_.changes();
  counts_.changes_lost += news.changes_lost;
  for (const auto& change : news.changes) note(change);
  if (!held_ || now < window_from_ + lease_window) return;
  for (const auto& window : carried_.report().windows) windows_.add(window, window_from_, now);
  window_from_ = now;
  windows_due_ = !windows_.empty();
}

/// The lease is over. What is carried ends before anything else is asked.
void Lease::begin_anew(Instant now) {
  ++term_;
  ++counts_.leases_lost;
  held_ = false;
  registering_ = reporting_ = asking_ = false;
  unanswered_.clear();
  carried_.bind({.held = false, .since = {}});
  carried_.stop();
  (void)carried_.report();  // of a time that is over
  changes_.clear();
  windows_.clear();
  standing_.clear();
  states_asked_.clear();
  beginning_ = name_beginning_();
  registration_.done(now);
}

// ---- what is answered ---------------------------------------------------------------------------

Lease::Retry& Lease::retry_of(Asking what) {
  if (what == Asking::report) return report_;
  if (what == Asking::orders) return orders_;
  return registration_;
}

void Lease::failed(const Question& question, std::string why, Instant now) {
  ++counts_.failures;
  trouble_ = std::move(why);
  retry_of(question.what).failed(now);
}

void Lease::answered(const Question& question, const Result<http::Response>& response,
                     Instant now) {
  if (question.term != term_ || question.what == Asking::farewell) return;
  if (question.what == Asking::registration) registering_ = false;
  if (question.what == Asking::report) reporting_ = false;
  if (question.what == Asking::orders) asking_ = false;
  // An answer may be old enough for the lease to be over.
  if (held_ && now >= until_) return begin_anew(now);
  if (!response) return failed(question, response.error().detail, now);
  switch (question.what) {
    case Asking::registration: return registered(question, *response, now);
    case Asking::report: return reported(question, *response, now);
    case Asking::orders: return ordered(question, *response, now);
    case Asking::farewell: return;
  }
}

void Lease::registered(const Question& question, const http::Response& response, Instant now) {
  if (response.status != 200 && response.status != 201)
    return failed(question, "the registration was refused with " + std::to_string(response.status),
                  now);
  const auto node = json::read<rly::RelayNode>(response.body);
  if (!node || node->lease_ms <= 0)
    return failed(question, "the answer to the registration cannot be read", now);
  // Another epoch: the server took the node for lost, and its rooms for free.
  if (held_ && node->epoch != epoch_) return begin_anew(now);
  adopt(*node, question, now);
}

void Lease::adopt(const rly::RelayNode& node, const Question& question, Instant now) {
  const std::chrono::milliseconds length{node.lease_ms};
  if (now >= question.asked + length)
    return failed(question, "the lease was over before it was answered", now);
  if (auto trusted = carried_.trust(node.token_keys); !trusted)
    return failed(question, trusted.error().detail, now);
  ++counts_.registrations;
  length_ = length;
  trouble_.clear();
  until_ = std::max(until_, question.asked + length);
  registration_.done(question.asked + length / lease_renewals);
  seen_told_ = std::max(seen_told_, std::min(seen_, node.last_order));
  for (const auto& room : node.rooms)
    carry_out(FenceRoom{
        .room = room.room, .epoch = static_cast<std::uint64_t>(room.epoch), .owned = true});
  if (held_) return;
  held_ = true;
  epoch_ = node.epoch;
  window_from_ = now;
  report_.done(now);
  orders_.done(now);
  // By the server's clock, which is that of tokens.
  carried_.bind(
      {.held = true, .since = std::chrono::floor<std::chrono::seconds>(node.lease_until - length)});
}

bool Lease::hear(const rly::RelayOrders& told, const Question& question, Instant now) {
  if (told.epoch != epoch_) {
    begin_anew(now);
    return false;
  }
  if (question.what == Asking::report && told.lease_ms > 0)
    until_ = std::max(until_, question.asked + std::chrono::milliseconds{told.lease_ms});
  for (const auto& order : told.orders) obey(order);
  return true;
}

void Lease::reported(const Question& question, const http::Response& response, Instant now) {
  if (response.status == 404 || response.status == 409) return begin_anew(now);
  if (is_for_good(response.status)) {
    ++counts_.reports_refused;
    trouble_ = "a report was refused with " + std::to_string(response.status);
    unanswered_.clear();
    return report_.done(now);
  }
  if (response.status != 200)
    return failed(question, "a report was answered with " + std::to_string(response.status), now);
  ++counts_.reports;
  seen_told_ = std::max(seen_told_, seen_sent_);
  unanswered_.clear();
  report_.done(now);
  if (const auto told = json::read<rly::RelayOrders>(response.body)) hear(*told, question, now);
}

void Lease::ordered(const Question& question, const http::Response& response, Instant now) {
  if (response.status == 404) return begin_anew(now);
  const auto told = response.status == 200 ? json::read<rly::RelayOrders>(response.body)
                                           : Result<rly::RelayOrders>(fail(Errc::unavailable, ""));
  if (!told)
    return failed(question,
                  "a question for orders was answered with " + std::to_string(response.status),
                  now);
  const bool at_once = told->orders.empty() && now < question.asked + orders_pause;
  orders_.done(at_once ? now + orders_pause : now);
  hear(*told, question, now);
}

}  // namespace lobo::relay
