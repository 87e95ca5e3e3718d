#include "upf/worker.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "adapters/packet_io/wait.hpp"
#include "base/require.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "upf/keys.hpp"
#include "upf/mailbox.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::app {

using dataplane::PathSide;
using packet_io::PortState;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

/// The worst of a side's ports is its state.
PortState worse(PortState a, PortState b) {
  return static_cast<PortState>(std::max(static_cast<int>(a), static_cast<int>(b)));
}

}  // namespace

Worker::Worker(const dataplane::PathSettings& path, const xrm::ReceiverSettings& marks, Given given,
               Ports n3, Ports n6, std::function<void()> look)
    : given_(std::move(given)),
      ports_{std::move(n3), std::move(n6)},
      look_(std::move(look)),
      receiver_(marks),
      pipeline_(path, receiver_, given_.events) {
  for (const Ports& some : ports_) {
    require(!some.empty());
    for (const auto& port : some) {
      all_.push_back(port.get());
      polled_ = polled_ || port->descriptor() < 0;
    }
  }
  for (const auto& some : given_.from_others) all_.insert(all_.end(), some.begin(), some.end());
  require(given_.neighbours.take_new() != nullptr);
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
  for (packet_io::Port* const port : all_) port->close();
}

std::string Worker::trouble() const {
  const std::scoped_lock lock(trouble_lock_);
  return trouble_;
}

void Worker::run() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    bool busy = false;
    for (const PathSide side : {PathSide::n6, PathSide::n3}) {
      for (std::size_t queue = 0; queue < ports(side).size(); ++queue)
        busy = turn(side, *ports(side)[queue], queue) || busy;
      for (Mailbox* const mail : given_.from_others[static_cast<std::size_t>(side)])
        busy = turn(side, *mail, 0) || busy;
    }
    const Time now = steady_clock::now();
    if (now - figures_at_ >= figures_every) take_figures(now);
    if (busy) {
      news_ = true;
      idle_turns_ = 0;
    }
    if (news_ && now - called_at_ >= look_every) call_control(now);
    if (!busy) wait(now);
  }
  given_.rules.rest(given_.at);
  take_figures(steady_clock::now());
}

/// The order matters: see the head of worker.hpp.
bool Worker::turn(PathSide from, packet_io::Port& port, std::size_t queue) {
  if (port.receive(batch_) == 0) return false;
  const dataplane::RuleSet& rules = given_.rules.take(given_.at);
  (void)given_.neighbours.take_new();
  release();
  resume();
  if (KeyChange* const change = given_.keys.take_new()) {
    change->apply(receiver_);
    contexts_.store(receiver_.contexts(), std::memory_order_relaxed);
  }
  const dataplane::Turn turn = turn_now(rules);
  if (from == PathSide::n6)
    pipeline_.downlink(batch_, turn, out_);
  else
    pipeline_.uplink(batch_, turn, out_);
  send(PathSide::n3, queue, out_.n3);
  send(PathSide::n6, queue, out_.n6);
  if (!out_.others.empty()) hand_over(from);
  return true;
}

dataplane::Turn Worker::turn_now(const dataplane::RuleSet& rules) const {
  return {.rules = rules,
          .neighbours = *given_.neighbours.current(),
          .now = duration_cast<dataplane::Elapsed>(steady_clock::now().time_since_epoch()),
          .since_1970 = duration_cast<nanoseconds>(system_clock::now().time_since_epoch()),
          .worker = given_.at,
          .workers = given_.workers,
          .published = given_.rules.number(given_.at)};
}

/// Before packets that came later, as release() is.
void Worker::resume() {
  if (!pipeline_.anything_buffered()) return;
  const dataplane::RuleSet& rules = given_.rules.take(given_.at);
  while (pipeline_.resume(turn_now(rules), out_)) {
    send(PathSide::n3, 0, out_.n3);
    send(PathSide::n6, 0, out_.n6);
  }
}

/// Before packets that came later: those of a next hop stay in order.
void Worker::release() {
  while (pipeline_.anything_waits()) {
    pipeline_.release(*given_.neighbours.current(),
                      duration_cast<dataplane::Elapsed>(steady_clock::now().time_since_epoch()),
                      out_);
    if (out_.n3.empty() && out_.n6.empty()) return;
    send(PathSide::n3, 0, out_.n3);
    send(PathSide::n6, 0, out_.n6);
  }
}

void Worker::hand_over(PathSide from) {
  const auto side = static_cast<std::size_t>(from);
  std::size_t taken = 0;
  for (std::size_t i = 0; i < out_.others.size(); ++i)
    taken += given_.to_others[side][out_.to[i]]->put(out_.others[i]) ? 1 : 0;
  handed_over_.add(taken);
  figures_[side].not_taken.add(out_.others.size() - taken);
}

void Worker::send(PathSide to, std::size_t queue, const packet_io::Batch& batch) {
  if (batch.empty()) return;
  Ports& there = ports(to);
  packet_io::Port& port = *there[queue % there.size()];
  std::span<const packet_io::Packet> left = batch.packets();
  for (std::size_t i = 0; i < send_tries_max && !left.empty(); ++i)
    left = left.subspan(port.send(left));
  if (!left.empty()) figures_[static_cast<std::size_t>(to)].unsent.add(left.size());
}

void Worker::call_control(Time now) {
  news_ = false;
  called_at_ = now;
  look_();
}

void Worker::wait(Time now) {
  resume();
  given_.rules.rest(given_.at);
  // New keys and neighbours are taken here as well, so that what they replace can be freed.
  (void)given_.neighbours.take_new();
  if (KeyChange* const change = given_.keys.take_new()) {
    change->apply(receiver_);
    contexts_.store(receiver_.contexts(), std::memory_order_relaxed);
  }
  release();
  const bool waits = pipeline_.anything_waits() || pipeline_.anything_buffered();
  milliseconds at_most = waits ? waiting_look : worker_wait_max;
  if (news_)
    at_most = std::max(milliseconds{1}, duration_cast<milliseconds>(called_at_ + look_every - now));
  if (!adapters::packet_io::wait_for_packets(all_, at_most)) {
    idle_turns_ = 0;
    return;
  }
  if (++idle_turns_ < idle_turns_max) return;
  idle_turns_ = 0;
  if (polled_)
    std::this_thread::sleep_for(polled_pause);
  else
    std::this_thread::sleep_for(idle_pause);
}

void Worker::take_figures(Time now) {
  figures_at_ = now;
  for (const PathSide side : {PathSide::n3, PathSide::n6}) take_figures(side);
  for (const PathSide side : {PathSide::n3, PathSide::n6}) {
    const PortState state = figures_[static_cast<std::size_t>(side)].state;
    if (state != PortState::gone && state != PortState::failed) continue;
    {
      const std::scoped_lock lock(trouble_lock_);
      if (!trouble_.empty()) return;
      for (const auto& port : ports(side))
        if (trouble_.empty()) trouble_ = port->trouble();
      if (trouble_.empty()) trouble_ = packet_io::to_string(state);
    }
    stopping_.store(true, std::memory_order_relaxed);
    look_();
  }
}

void Worker::take_figures(PathSide side) {
  PortFigures& out = figures_[static_cast<std::size_t>(side)];
  packet_io::Counters sum;
  PortState state = PortState::open;
  for (const auto& port : ports(side)) {
    const packet_io::Counters& one = port->counters();
    sum.received.packets += one.received.packets;
    sum.received.bytes += one.received.bytes;
    sum.sent.packets += one.sent.packets;
    sum.sent.bytes += one.sent.bytes;
    sum.checksums_completed += one.checksums_completed;
    for (std::size_t i = 0; i < sum.dropped.size(); ++i) sum.dropped[i] += one.dropped[i];
    state = worse(state, port->state());
  }
  out.packets_in.set(sum.received.packets);
  out.octets_in.set(sum.received.bytes);
  out.packets_out.set(sum.sent.packets);
  out.octets_out.set(sum.sent.bytes);
  out.checksums_completed.set(sum.checksums_completed);
  for (std::size_t i = 0; i < sum.dropped.size(); ++i) out.dropped[i].set(sum.dropped[i]);
  out.state.store(state, std::memory_order_relaxed);
}

}  // namespace lobo::app
