#include "dataplane/n4/transactions.hpp"

#include <cstdint>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "dataplane/n4/limits.hpp"
#include "dataplane/n4/types.hpp"
#include "wire/pfcp/header.hpp"

namespace lobo::dataplane::n4 {

bool Transactions::has_room() const { return waiting_.size() < transactions_max; }

std::uint32_t Transactions::number() {
  static_assert(transactions_max < pfcp::sequence_numbers, "one of them is free");
  do last_ = (last_ + 1) % pfcp::sequence_numbers;
  while (waiting_.contains(last_));
  return last_;
}

void Transactions::start(std::uint32_t number, OwnRequest request, Instant now) {
  const Instant due = now + again_after_;
  require(waiting_.emplace(number, Waiting{std::move(request), due, 0}).second);
  due_.emplace(due, number);
}

std::optional<OwnRequest> Transactions::finish(std::uint32_t number, const Endpoint& from,
                                               pfcp::MessageType response) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return std::nullopt;
  OwnRequest& request = found->second.request;
  // Clause 4.3: a response comes from the address that was asked. Its port is told to be the same,
  // and nothing is gained by insisting.
  const bool is_its = request.to.address == from.address &&
                      static_cast<unsigned>(request.type) + 1 == static_cast<unsigned>(response);
  if (!is_its) return std::nullopt;
  OwnRequest finished = std::move(request);
  cancel(number);
  return finished;
}

void Transactions::cancel(std::uint32_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return;
  due_.erase({found->second.due, number});
  waiting_.erase(found);
}

std::optional<Transactions::Due> Transactions::next_due(Instant now) {
  if (due_.empty() || due_.begin()->first > now) return std::nullopt;
  const std::uint32_t number = due_.begin()->second;
  Waiting& waiting = waiting_.at(number);
  if (waiting.again == again_max_) {
    Due last{std::move(waiting.request), false};
    cancel(number);
    return last;
  }
  due_.erase(due_.begin());
  ++waiting.again;
  waiting.due = now + again_after_;
  due_.emplace(waiting.due, number);
  return Due{waiting.request, true};
}

std::optional<Instant> Transactions::next_call() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

}  // namespace lobo::dataplane::n4
