#include "eas_tap.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/link.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "eas_key_watch.hpp"
#include "live/leased_marks.hpp"
#include "signal_file.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/progress.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::app {
namespace {

namespace io = adapters::packet_io;

constexpr std::chrono::milliseconds look_interval{
    200};  ///< at the progress line and the interfaces

/// Without rings: a frame of a video does not wait for the next tick of the kernel's clock.
Result<std::unique_ptr<packet_io::Port>> open_side(const std::string& interface,
                                                   const TapSettings& settings) {
  return io::open_af_packet(
      {.interface = interface, .rings = false, .promiscuous = true, .tell = settings.tell});
}

}  // namespace

Result<std::unique_ptr<EasTap>> EasTap::open(TapSettings settings) {
  if (settings.inside == settings.outside)
    return fail(Errc::not_allowed, "--tap and --interface: a tap stands between two interfaces");
  const auto link = io::find_link(settings.outside);
  if (!link) return fail(link.error());
  settings.live.ip_bytes_max = link->mtu;
  std::unique_ptr<EasTap> tap(new EasTap(std::move(settings)));
  auto inside = open_side(tap->settings_.inside, tap->settings_);
  if (!inside) return fail(inside.error());
  auto outside = open_side(tap->settings_.outside, tap->settings_);
  if (!outside) return fail(outside.error());
  tap->inside_ = std::move(*inside);
  tap->outside_ = std::move(*outside);
  auto leased =
      LeasedMarks::open(tap->settings_.writing, tap->settings_.live, tap->settings_.counters,
                        [self = tap.get()](Bytes frame) { self->gather(frame); });
  if (!leased) return fail(leased.error());
  tap->leased_ = std::move(*leased);
  tap->gathered_.resize(packet_io::batch_packets_max * frame_room);
  return tap;
}

std::string EasTap::describe() const {
  return fmt::format("between {} and {} by AF_PACKET", settings_.inside, settings_.outside);
}

/// LiveMarks lends a frame for the call; it is sent with others.
void EasTap::gather(Bytes frame) {
  if (leaving_.full()) flush();
  const auto room = MutableBytes(gathered_).subspan(leaving_.size() * frame_room, frame_room);
  std::ranges::copy(frame, room.begin());
  leaving_.push({room, 0, frame.size(), {}});
}

void EasTap::flush() {
  if (leaving_.empty()) return;
  tallies_.out += push(*outside_, leaving_.packets());
  leaving_.clear();
}

std::uint64_t EasTap::push(packet_io::Port& port, std::span<const packet_io::Packet> packets) {
  std::uint64_t taken = 0;
  for (unsigned i = 0; i < tap_pushes_max && taken < packets.size(); ++i) {
    taken += port.send(packets.subspan(taken));
    if (taken < packets.size()) (void)port.about_to_wait();
  }
  tallies_.dropped += packets.size() - taken;
  return taken;
}

/// A turn: some of each side. Whether there was anything.
bool EasTap::take(Clock::time_point now) {
  bool any = false;
  packet_io::Batch batch;
  for (unsigned i = 0; i < tap_batches_max && inside_->receive(batch) > 0; ++i) {
    any = true;
    for (const auto& packet : batch.packets())
      leased_->marks().push(packet.bytes(), now.time_since_epoch());
  }
  leased_->marks().tick(now.time_since_epoch());
  leased_->cover();
  flush();
  for (unsigned i = 0; i < tap_batches_max && outside_->receive(batch) > 0; ++i) {
    any = true;
    tallies_.back += push(*inside_, batch.packets());
  }
  return any;
}

/// An interface that is down may come back; one that is gone will not.
Result<void> EasTap::check(packet_io::Port& port) const {
  const auto state = port.state();
  if (state == packet_io::PortState::open || state == packet_io::PortState::link_down) return {};
  return fail(Errc::refused, port.trouble());
}

Result<void> EasTap::run(std::chrono::seconds at_most) {
  auto signals = SignalFile::open();
  if (!signals) return fail(signals.error());
  EasKeyWatch keys(settings_.keys, settings_.tell);
  const std::array users{leased_.get()};
  std::array<pollfd, 3> waited{{{.fd = signals->get(), .events = POLLIN},
                                {.fd = inside_->descriptor(), .events = POLLIN},
                                {.fd = outside_->descriptor(), .events = POLLIN}}};
  Progress progress("eas");
  const auto begin = Clock::now();
  auto looked = begin;
  for (auto now = begin; at_most.count() == 0 || now - begin < at_most; now = Clock::now()) {
    keys.look(now, users);
    bool busy = take(now);
    // Both are asked: each may send what it still holds.
    busy = inside_->about_to_wait() || busy;
    busy = outside_->about_to_wait() || busy;
    auto until = now + look_interval;
    if (const auto due = leased_->marks().due()) until = std::min(until, Clock::time_point(*due));
    if (const auto expiry = keys.expires()) until = std::min(until, *expiry);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    (void)::poll(waited.data(), waited.size(),
                 busy ? 0 : static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (waited[0].revents != 0) break;
    if (now - looked < look_interval) continue;
    looked = now;
    for (auto* port : {inside_.get(), outside_.get()})
      if (const auto there = check(*port); !there) return there;
    progress.say([&] {
      return fmt::format("{} frames out, {} marked, {} back", tallies_.out,
                         leased_->marks().tallies().marked, tallies_.back);
    });
  }
  leased_->finish(Clock::now().time_since_epoch());
  flush();
  return {};
}

std::string EasTap::lost() {
  std::string text;
  for (std::size_t i = 0; i < packet_io::drop_reasons_count; ++i) {
    const auto reason = static_cast<packet_io::DropReason>(i);
    const auto count = inside_->counters()[reason] + outside_->counters()[reason];
    if (count > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", packet_io::to_string(reason), count);
  }
  return text;
}

}  // namespace lobo::app
