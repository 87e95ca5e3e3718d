#include "dataplane/radio/cell.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/quantity.hpp"
#include "base/require.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/set_queue.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

constexpr double quantum_octets = 1500;
/// So much of its guaranteed rate a bearer may save up while it has nothing to send: a frame of
/// video comes at once.
constexpr Elapsed credit_max = 200ms;
constexpr std::uint32_t queue_sets = 1024;
constexpr std::uint32_t queue_pdus = 8192;
constexpr double ns_per_second = 1e9;

double octets_in(BitsPerSecond rate, Elapsed time) {
  return static_cast<double>(rate.count) / 8 * static_cast<double>(time.count()) / ns_per_second;
}

// The queue keeps for each packet whose it is: who limits a UE has to know.
constexpr unsigned handle_bits = 32;
std::uint64_t joined(std::size_t bearer, std::uint32_t handle) {
  return std::uint64_t{bearer} << handle_bits | handle;
}
std::uint32_t handle_of(std::uint64_t both) { return static_cast<std::uint32_t>(both); }
std::size_t bearer_of(std::uint64_t both) { return both >> handle_bits; }

}  // namespace

Cell::Cell(const CellConfig& config, RateTrace rate) : config_(config), rate_(std::move(rate)) {
  if (config_.scheduler == CellScheduler::plain) shared_ = std::make_unique<Line>(queue_config({}));
}

QueueConfig Cell::queue_config(const BearerTerms& terms) const {
  QueueConfig queue{
      .policy = config_.policy,
      .bytes_max = config_.queue_octets,
      .pdus_max = queue_pdus,
      .sets_max = queue_sets,
      .thresholds = config_.thresholds,
      .delay_budget = terms.delay_budget > Elapsed{} ? terms.delay_budget : config_.delay_budget};
  if (config_.scheduler == CellScheduler::plain || !terms.whole_sets)
    queue.policy = Policy::taildrop;
  return queue;
}

void Cell::give_line(Bearer& bearer) {
  bearer.line.reset();
  if (config_.scheduler == CellScheduler::by_flow)
    bearer.line = std::make_unique<Line>(queue_config(bearer.terms));
}

std::optional<BearerId> Cell::open(std::uint32_t ue, const BearerTerms& terms) {
  auto free = std::ranges::find(bearers_, false, &std::optional<Bearer>::has_value);
  if (free == bearers_.end()) {
    if (bearers_.size() == bearers_max) return std::nullopt;
    free = bearers_.emplace(bearers_.end());
  }
  Bearer& bearer = free->emplace();
  bearer.ue = ue;
  bearer.terms = terms;
  give_line(bearer);
  return BearerId{static_cast<std::uint32_t>(free - bearers_.begin())};
}

void Cell::tell_dropped(Line& line, Elapsed now, CellFates& out) {
  while (const auto pdu = line.handling.queue().next_dropped())
    out.push_back({handle_of(pdu->handle), radio_drop_of(pdu->reason), now});
}

void Cell::drop_all(Line& line, Elapsed now, CellFates& out) {
  tell_dropped(line, now, out);
  // At time zero nothing is older than its budget; all that waits comes out.
  while (const auto pdu = line.handling.queue().dequeue(Elapsed{}))
    out.push_back({handle_of(pdu->handle), RadioDrop::reconfigured, now});
  tell_dropped(line, now, out);
}

void Cell::close(BearerId id, Elapsed now, CellFates& out) {
  auto& bearer = bearers_.at(static_cast<std::size_t>(id));
  require(bearer.has_value());
  if (bearer->line) drop_all(*bearer->line, now, out);
  bearer.reset();
}

void Cell::change(BearerId id, const BearerTerms& terms, Elapsed now, CellFates& out) {
  Bearer& bearer = bearers_.at(static_cast<std::size_t>(id)).value();
  const BearerTerms before = std::exchange(bearer.terms, terms);
  const bool same_queue =
      before.delay_budget == terms.delay_budget && before.whole_sets == terms.whole_sets;
  if (same_queue || !bearer.line) return;
  drop_all(*bearer.line, now, out);
  give_line(bearer);
}

void Cell::limit(std::uint32_t ue, BitsPerSecond rate) {
  std::erase_if(limits_, [ue](const Limit& one) { return one.ue == ue; });
  if (rate.count > 0) limits_.push_back({.ue = ue, .rate = std::max(rate, cell_rate_min)});
}

Cell::Limit* Cell::limit_of(std::uint32_t ue) {
  const auto at = std::ranges::find(limits_, ue, &Limit::ue);
  return at == limits_.end() ? nullptr : &*at;
}
const Cell::Limit* Cell::limit_of(std::uint32_t ue) const {
  const auto at = std::ranges::find(limits_, ue, &Limit::ue);
  return at == limits_.end() ? nullptr : &*at;
}

void Cell::set_rate(RateTrace rate, Elapsed now, CellFates& out) {
  advance(now, out);
  rate_ = std::move(rate);
  if (free_at_ > now) free_at_ = std::min(free_at_, rate_.end_of(now, octets_in_service_));
}

void Cell::reconfigure(const CellConfig& config, Elapsed now, CellFates& out) {
  advance(now, out);
  if (shared_) drop_all(*shared_, now, out);
  shared_.reset();
  for (auto& bearer : bearers_)
    if (bearer && bearer->line) drop_all(*bearer->line, now, out);
  config_ = config;
  if (config_.scheduler == CellScheduler::plain) shared_ = std::make_unique<Line>(queue_config({}));
  for (auto& bearer : bearers_)
    if (bearer) give_line(*bearer);
}

Cell::Line& Cell::line_of(std::size_t bearer) {
  return shared_ ? *shared_ : *bearers_.at(bearer).value().line;
}

void Cell::arrive(BearerId id, const PduSetMark* mark, std::uint32_t handle, std::uint32_t octets,
                  Elapsed now, CellFates& out) {
  advance(now, out);
  free_at_ = std::max(free_at_, now);  // what could have begun before has begun
  const auto bearer = static_cast<std::size_t>(id);
  Line& line = line_of(bearer);
  const QueuedPdu pdu{joined(bearer, handle), octets, mark != nullptr && mark->end_of_pdu_set};
  const auto refused = mark == nullptr
                           ? line.handling.offer(pdu, now)
                           : line.handling.offer(line.tracker, *mark, std::nullopt, pdu, now);
  if (refused) out.push_back({handle, radio_drop_of(*refused), now});
  tell_dropped(line, now, out);
}

Elapsed Cell::eligible_at(const Bearer& bearer) const {
  const Limit* limit = limit_of(bearer.ue);
  return limit == nullptr ? free_at_ : std::max(free_at_, limit->free_at);
}

std::optional<Elapsed> Cell::next_at() const {
  if (shared_) return shared_->handling.queue().empty() ? std::nullopt : std::optional(free_at_);
  std::optional<Elapsed> first;
  for (const auto& bearer : bearers_) {
    if (!bearer || !waits(*bearer)) continue;
    const Elapsed at = eligible_at(*bearer);
    first = first ? std::min(*first, at) : at;
  }
  return first;
}

// Each turn takes a packet out of a queue, or drops some: what waits is bounded.
void Cell::advance(Elapsed now, CellFates& out) {
  for (auto start = next_at(); start && *start <= now; start = next_at()) {
    if (shared_)
      serve(*shared_, *start, out, nullptr);
    else
      serve_by_flow(*start, out);
  }
}

void Cell::serve(Line& line, Elapsed start, CellFates& out, double* charged) {
  const auto pdu = line.handling.queue().dequeue(start);
  tell_dropped(line, start, out);
  if (!pdu) return;
  Elapsed end = rate_.end_of(start, pdu->bytes);
  free_at_ = end;
  octets_in_service_ = pdu->bytes;
  const auto& bearer = bearers_[bearer_of(pdu->handle)];
  if (Limit* limit = bearer ? limit_of(bearer->ue) : nullptr) {
    const auto own = RateTrace::constant(limit->rate).end_of(start, pdu->bytes);
    limit->free_at = std::max(end, own);
    end = limit->free_at;
    if (shared_) free_at_ = end;  // first come, first served: the next one waits behind it
  }
  if (charged != nullptr) *charged -= pdu->bytes;
  out.push_back({handle_of(pdu->handle), std::nullopt, end});
}

void Cell::refill(Bearer& bearer, Elapsed now) const {
  const double most = octets_in(bearer.terms.guaranteed, credit_max) + quantum_octets;
  bearer.credit =
      std::min(most, bearer.credit + octets_in(bearer.terms.guaranteed, now - bearer.credited_at));
  bearer.credited_at = now;
}

void Cell::serve_by_flow(Elapsed start, CellFates& out) {
  // 1. Who has a guaranteed rate that is not used up, in turns.
  for (std::size_t i = 0; i < bearers_.size(); ++i) {
    const std::size_t at = (turn_guaranteed_ + i) % bearers_.size();
    auto& bearer = bearers_[at];
    if (!bearer || bearer->terms.guaranteed.count == 0) continue;
    refill(*bearer, start);
    if (bearer->credit <= 0 || !waits(*bearer) || eligible_at(*bearer) > start) continue;
    turn_guaranteed_ = at + 1;
    return serve(*bearer->line, start, out, &bearer->credit);
  }
  // 2. What is left, evenly.
  Bearer& bearer = *bearers_[pick_even(start)];
  serve(*bearer.line, start, out, &bearer.deficit);
}

// Deficit round robin: whose turn begins gets a quantum, and it lasts until that is used up. A
// packet is at most 65,535 octets, so a bearer that waits is served within 44 rounds.
std::size_t Cell::pick_even(Elapsed start) {
  for (;;) {
    turn_even_ %= bearers_.size();
    auto& bearer = bearers_[turn_even_];
    const bool can = bearer && waits(*bearer) && eligible_at(*bearer) <= start;
    if (can) {
      if (turn_even_begins_) bearer->deficit += quantum_octets;
      turn_even_begins_ = false;
      if (bearer->deficit > 0) return turn_even_;
    } else if (bearer && !waits(*bearer)) {
      bearer->deficit = std::min(bearer->deficit, 0.0);
    }
    ++turn_even_;
    turn_even_begins_ = true;
  }
}

std::uint64_t Cell::queued_octets() const {
  if (shared_) return shared_->handling.queue().bytes();
  std::uint64_t octets = 0;
  for (const auto& bearer : bearers_)
    if (bearer) octets += bearer->line->handling.queue().bytes();
  return octets;
}

std::uint64_t Cell::queued_octets(BearerId id) const {
  if (shared_) return shared_->handling.queue().bytes();
  return bearers_.at(static_cast<std::size_t>(id)).value().line->handling.queue().bytes();
}

}  // namespace lobo::dataplane
