#include "toolbox/mark_stream.hpp"

#include <cstddef>
#include <memory>
#include <utility>

#include "base/bytes.hpp"
#include "dataplane/importance.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/packet_marker.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::app {

using Treatment = dataplane::PayloadRule::Treatment;

MarkStream::MarkStream(MarkWriter writer, const MarkSettings& settings, Out out)
    : marker_(std::move(writer), settings),
      config_(settings.marker),
      out_(std::move(out)),
      frame_(frame_room) {}

MarkStream::Waiting& MarkStream::wait(const capture::Item& item) {
  Waiting& waiting = waiting_.emplace_back();
  if (!spare_.empty()) {
    waiting.raw = std::move(spare_.back());
    spare_.pop_back();
  }
  waiting.raw.assign(item.raw.begin(), item.raw.end());
  bytes_waiting_ += item.raw.size();
  waiting.item = item;
  waiting.item.raw = waiting.raw;
  if (item.kind == capture::Item::Kind::packet)
    waiting.item.packet.bytes =
        Bytes(waiting.raw)
            .subspan(static_cast<std::size_t>(item.packet.bytes.data() - item.raw.data()),
                     item.packet.bytes.size());
  return waiting;
}

void MarkStream::push(const capture::Item& item) {
  Waiting& waiting = wait(item);
  if (item.kind == capture::Item::Kind::packet) offer(waiting);
  hand_out();
  while (waiting_.size() > items_waiting_max || bytes_waiting_ > bytes_waiting_max) {
    close(*waiting_.front().stream);
    hand_out();
  }
}

void MarkStream::offer(Waiting& waiting) {
  const auto wish = marker_.look(waiting.item.packet);
  const bool taken = wish.kind == MarkWish::Kind::marked &&
                     (wish.rule.treatment == Treatment::lone ? offer_lone(waiting, wish)
                                                             : offer_video(waiting, wish));
  if (!taken) ++tallies_.left;
}

bool MarkStream::offer_lone(Waiting& waiting, const MarkWish& wish) {
  auto found = lone_.find(wish.stream);
  if (found == lone_.end()) {
    if (lone_.size() >= marked_streams_max) return false;
    found = lone_.emplace(wish.stream, wish.rule.psi).first;
    ++tallies_.streams;
  }
  waiting.mark = found->second.mark(wish.bytes);
  waiting.to_mark = true;
  return true;
}

bool MarkStream::offer_video(Waiting& waiting, const MarkWish& wish) {
  Stream* stream = stream_of(wish.stream);
  if (!stream) return false;
  waiting.stream = stream;
  stream->waiting.push_back(first_ + waiting_.size() - 1);
  stream->marker.offer({.rtp_timestamp = wish.rtp.timestamp,
                        .marker = wish.rtp.marker,
                        .payload = wish.rtp.payload(),
                        .bytes = wish.bytes,
                        .at = waiting.item.packet.time},
                       [&](const PduSetMark& mark) { decided(*stream, mark); });
  return true;
}

MarkStream::Stream* MarkStream::stream_of(const StreamKey& key) {
  const auto found = streams_.find(key);
  if (found != streams_.end()) return found->second.get();
  if (streams_.size() >= marked_streams_max) return nullptr;
  ++tallies_.streams;
  ++tallies_.video_streams;
  return streams_.emplace(key, std::make_unique<Stream>(config_)).first->second.get();
}

void MarkStream::decided(Stream& stream, const PduSetMark& mark) {
  Waiting& waiting = waiting_[stream.waiting.front() - first_];
  stream.waiting.pop_front();
  waiting.stream = nullptr;
  waiting.to_mark = true;
  waiting.mark = writer().settled(mark);
}

void MarkStream::close(Stream& stream) {
  stream.marker.finish([&](const PduSetMark& mark) { decided(stream, mark); });
}

void MarkStream::hand_out_front() {
  Waiting& front = waiting_.front();
  std::size_t size = 0;
  if (front.to_mark) {
    size = marker_.write(frame_, front.item.packet, front.mark);
    ++(size == 0 ? tallies_.failed : tallies_.marked);
  }
  out_(front.item, Bytes(frame_).first(size));
  bytes_waiting_ -= front.raw.size();
  spare_.push_back(std::move(front.raw));
  waiting_.pop_front();
  ++first_;
}

void MarkStream::hand_out() {
  while (!waiting_.empty() && waiting_.front().stream == nullptr) hand_out_front();
}

void MarkStream::finish() {
  for (auto& [key, stream] : streams_) {
    close(*stream);
    if (stream->marker.looks_foreign()) ++tallies_.foreign_streams;
  }
  hand_out();
}

}  // namespace lobo::app
