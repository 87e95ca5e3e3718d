#include "live/live_sender.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "live/leased_marks.hpp"
#include "live/outlet.hpp"

namespace lobo::app {

Result<std::unique_ptr<LiveSender>> LiveSender::open(LiveSenderSettings settings) {
  std::unique_ptr<LiveSender> sender(new LiveSender);
  auto outlet = Outlet::open(settings.outlet);
  if (!outlet) return fail(outlet.error());
  sender->outlet_ = std::move(*outlet);
  settings.live.ip_bytes_max = sender->outlet_->ip_bytes_max();
  auto marks = LeasedMarks::open(
      std::move(settings.writing), settings.live, settings.counters,
      [self = sender.get()](Bytes frame) { self->outlet_->send(frame, self->now_); });
  if (!marks) return fail(marks.error());
  sender->leased_ = std::move(*marks);
  return sender;
}

void LiveSender::push(Bytes user_data, Time now) {
  now_ = now;
  const Bytes frame = outlet_->frame_of(user_data);
  if (frame.empty())
    outlet_->send_by_kernel(user_data);
  else
    leased_->marks().push(frame, now.time_since_epoch());
}

void LiveSender::flush(Time now) {
  now_ = now;
  leased_->cover();
  outlet_->flush(now);
}

void LiveSender::tick(Time now) {
  now_ = now;
  leased_->marks().tick(now.time_since_epoch());
  leased_->cover();
  outlet_->flush(now);
}

std::optional<LiveSender::Time> LiveSender::due() const {
  const auto due = leased_->marks().due();
  return due ? std::optional(Time(*due)) : std::nullopt;
}

void LiveSender::finish(Time now) {
  now_ = now;
  leased_->finish(now.time_since_epoch());
  outlet_->flush(now);
}

}  // namespace lobo::app
