#include "live/live_marks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.hpp"
#include "dataplane/importance.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/packet_marker.hpp"
#include "wire/capture/capture.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

using Treatment = dataplane::PayloadRule::Treatment;
using Kind = MarkWish::Kind;

constexpr std::size_t spare_buffers_max = 4096;

capture::Packet as_packet(Bytes frame) {
  return {.link_type = capture::LinkType::ethernet,
          .original_length = static_cast<std::uint32_t>(frame.size()),
          .bytes = frame};
}

}  // namespace

LiveMarks::LiveMarks(MarkWriter writer, const LiveSettings& settings, Out out)
    : marker_(std::move(writer), settings.marks),
      settings_(settings),
      out_(std::move(out)),
      written_(frame_room) {}

void LiveMarks::push(Bytes frame, Elapsed now) {
  ++tallies_.packets;
  const auto wish = marker_.look(as_packet(frame));
  if (wish.kind != Kind::marked) {
    ++(wish.kind == Kind::no_place ? tallies_.no_place : tallies_.left);
    // What is left of a stream does not overtake what waits of it.
    const auto found = wish.kind == Kind::not_rtp ? streams_.end() : streams_.find(wish.stream);
    if (found == streams_.end() || found->second->waiting.empty()) return out_(frame);
    auto& stream = *found->second;
    if (stream.decided < stream.waiting.size()) cut(stream, now);
    return out_(frame);
  }
  Stream* stream = stream_of(wish, now);
  if (!stream) {
    ++tallies_.streams_refused;
    return out_(frame);
  }
  stream->last_came = now;
  wait(*stream, frame, wish.bytes, now);
  if (wish.rule.treatment == Treatment::lone)
    decide(*stream, stream->lone.mark(wish.bytes));
  else
    stream->video.offer({.rtp_timestamp = wish.rtp.timestamp,
                         .marker = wish.rtp.marker,
                         .payload = wish.rtp.payload(),
                         .bytes = wish.bytes,
                         .at = now},
                        [&](const PduSetMark& mark) { decide(*stream, mark); });
  leave(*stream, now);
  if (bytes_waiting_ > live_bytes_waiting_max)
    for (auto& [key, other] : streams_) cut(*other, now);
}

LiveMarks::Stream* LiveMarks::stream_of(const MarkWish& wish, Elapsed now) {
  const auto found = streams_.find(wish.stream);
  if (found != streams_.end()) return found->second.get();
  if (streams_.size() >= live_streams_max && !make_room(now)) return nullptr;
  ++tallies_.streams;
  auto config = settings_.marks.marker;
  if (wish.rule.treatment != Treatment::lone)
    config.codec =
        wish.rule.treatment == Treatment::h265 ? rtp::VideoCodec::h265 : rtp::VideoCodec::h264;
  return streams_.emplace(wish.stream, std::make_unique<Stream>(config, wish.rule.psi))
      .first->second.get();
}

/// The stream that was silent longest goes, if it was silent long enough and nothing of it waits.
bool LiveMarks::make_room(Elapsed now) {
  const auto quietest = std::ranges::min_element(
      streams_, {}, [](const auto& entry) { return entry.second->last_came; });
  if (now - quietest->second->last_came < live_stream_silence) return false;
  if (!quietest->second->waiting.empty()) return false;
  streams_.erase(quietest);
  return true;
}

void LiveMarks::wait(Stream& stream, Bytes frame, std::uint32_t bytes, Elapsed now) {
  auto& waiting = stream.waiting.emplace_back();
  if (!spare_.empty()) {
    waiting.frame = std::move(spare_.back());
    spare_.pop_back();
  }
  waiting.frame.assign(frame.begin(), frame.end());
  waiting.came = now;
  waiting.bytes = bytes;
  bytes_waiting_ += frame.size();
}

void LiveMarks::decide(Stream& stream, const PduSetMark& mark) {
  auto& waiting = stream.waiting[stream.decided++];
  waiting.to_mark = true;
  waiting.mark = writer().settled(mark);
  waiting.bytes += static_cast<std::uint32_t>(writer().added_by(waiting.mark));
  if (mark.end_of_pdu_set) ++tallies_.sets;
}

/// A set of which one packet has no room for its mark is sent without any: half of a set would tell
/// the network of losses that did not happen.
void LiveMarks::check_room(Stream& stream) {
  for (std::size_t i = 0; i < stream.decided;) {
    const Pssn set = stream.waiting[i].mark.pssn;
    std::size_t end = i;
    bool fits = true;
    for (; end < stream.decided && stream.waiting[end].mark.pssn == set; ++end)
      fits = fits && stream.waiting[end].bytes <= settings_.ip_bytes_max;
    if (!fits) tallies_.over_mtu += end - i;
    for (; i < end; ++i) stream.waiting[i].to_mark = fits;
  }
}

void LiveMarks::leave(Stream& stream, Elapsed now) {
  check_room(stream);
  for (; stream.decided > 0; --stream.decided) {
    auto& front = stream.waiting.front();
    if (front.to_mark) {
      const auto waited = now - front.came;
      tallies_.waited += waited;
      tallies_.waited_max = std::max(tallies_.waited_max, waited);
      write(front.frame, front.mark);
    } else {
      out_(front.frame);
    }
    bytes_waiting_ -= front.frame.size();
    if (spare_.size() < spare_buffers_max) spare_.push_back(std::move(front.frame));
    stream.waiting.pop_front();
  }
}

void LiveMarks::write(Bytes frame, const PduSetMark& mark) {
  const std::size_t size = marker_.write(written_, as_packet(frame), mark);
  ++(size == 0 ? tallies_.no_place : tallies_.marked);
  out_(size == 0 ? frame : Bytes(written_).first(size));
}

void LiveMarks::cut(Stream& stream, Elapsed now) {
  if (stream.waiting.empty()) return;
  ++tallies_.sets_cut;
  stream.video.cut([&](const PduSetMark& mark) { decide(stream, mark); });
  leave(stream, now);
}

void LiveMarks::tick(Elapsed now) {
  if (bytes_waiting_ == 0) return;
  for (auto& [key, stream] : streams_)
    if (!stream->waiting.empty() && now - stream->waiting.front().came >= settings_.patience)
      cut(*stream, now);
}

std::optional<LiveMarks::Elapsed> LiveMarks::due() const {
  if (bytes_waiting_ == 0) return std::nullopt;
  std::optional<Elapsed> first;
  for (const auto& [key, stream] : streams_)
    if (!stream->waiting.empty() && (!first || stream->waiting.front().came < *first))
      first = stream->waiting.front().came;
  return *first + settings_.patience;
}

void LiveMarks::finish(Elapsed now) {
  for (auto& [key, stream] : streams_) {
    stream->video.finish([&, &of = *stream](const PduSetMark& mark) { decide(of, mark); });
    leave(*stream, now);
  }
}

}  // namespace lobo::app
