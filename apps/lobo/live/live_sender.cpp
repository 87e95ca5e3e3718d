#include "live/live_sender.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "live/counter_lease.hpp"
#include "live/live_marks.hpp"
#include "live/outlet.hpp"
#include "toolbox/mark_writer.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo::app {

Result<std::unique_ptr<LiveSender>> LiveSender::open(LiveSenderSettings settings) {
  std::unique_ptr<LiveSender> sender(new LiveSender);
  auto outlet = Outlet::open(settings.outlet);
  if (!outlet) return fail(outlet.error());
  sender->outlet_ = std::move(*outlet);
  auto writer = sender->make_writer(settings.writing, settings.counters);
  if (!writer) return fail(writer.error());
  settings.live.ip_bytes_max = sender->outlet_->ip_bytes_max();
  sender->marks_ = std::make_unique<LiveMarks>(
      std::move(*writer), settings.live,
      [self = sender.get()](Bytes frame) { self->outlet_->send(frame, self->now_); });
  return sender;
}

/// With keys it is made twice: the key's identifier, which the first tells, names the file in which
/// the first counter of the second stands.
Result<MarkWriter> LiveSender::make_writer(WriteSettings writing, const std::string& counters) {
  auto writer = MarkWriter::create(writing);
  if (!writer || writer->sender() == nullptr) return writer;
  const std::string file =
      fmt::format("{}.{}-{}.counter", counters.empty() ? writing.key_file : counters,
                  static_cast<unsigned>(writer->sender()->key_id()), writing.sid);
  auto lease = CounterLease::open(file);
  if (!lease) return fail(lease.error());
  lease_.emplace(std::move(*lease));
  writing.first_counter = lease_->first();
  return MarkWriter::create(writing);
}

void LiveSender::push(Bytes user_data, Time now) {
  now_ = now;
  const Bytes frame = outlet_->frame_of(user_data);
  if (frame.empty())
    outlet_->send_by_kernel(user_data);
  else
    marks_->push(frame, now.time_since_epoch());
}

void LiveSender::flush(Time now) {
  now_ = now;
  const auto* sender = marks_->writer().sender();
  if (lease_ && sender != nullptr && !lease_->cover(sender->next_counter())) marks_->stop_sealing();
  outlet_->flush(now);
}

void LiveSender::tick(Time now) {
  now_ = now;
  marks_->tick(now.time_since_epoch());
  outlet_->flush(now);
}

std::optional<LiveSender::Time> LiveSender::due() const {
  const auto due = marks_->due();
  return due ? std::optional(Time(*due)) : std::nullopt;
}

bool LiveSender::wants_key() const {
  const auto* sender = marks_->writer().sender();
  return sender != nullptr && sender->next_counter() >= xrm::counters_per_key / 2;
}

void LiveSender::finish(Time now) {
  now_ = now;
  marks_->finish(now.time_since_epoch());
  outlet_->flush(now);
  const auto* sender = marks_->writer().sender();
  if (lease_ && sender != nullptr) lease_->give_back(sender->next_counter());
}

}  // namespace lobo::app
