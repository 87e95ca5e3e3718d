#include "toolbox/mark_stream.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/bytes.hpp"
#include "dataplane/importance.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/capture/capture.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/packet.hpp"

namespace lobo::app {

using Treatment = dataplane::PayloadRule::Treatment;

MarkStream::MarkStream(MarkWriter writer, MarkSettings settings, Out out)
    : writer_(std::move(writer)),
      settings_(std::move(settings)),
      stripper_(settings_.old_marks),
      out_(std::move(out)),
      clean_(frame_room),
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
  take_apart(waiting.item.packet, layers_);
  const auto& ports = settings_.ports;
  const bool wanted =
      layers_.whole_udp() &&
      (ports.empty() ||
       std::ranges::find(ports, layers_.inner.flow.destination_port) != ports.end());
  if (!wanted || !offer_rtp(waiting, layers_.inner)) ++tallies_.left;
}

bool MarkStream::offer_rtp(Waiting& waiting, const packet::PacketView& view) {
  const auto rtp = rtp::parse_rtp(view.user_data());
  if (!rtp.ok() || rtp.payload().empty()) return false;
  const auto rule = dataplane::rule_for(rtp.payload_type, settings_.rules);
  if (rule.treatment == Treatment::unmarked) return false;
  // What it will be long is asked of the packet without the marks that it has.
  const std::size_t cleaned = stripper_.strip(clean_, view);
  auto clean = view;
  if (cleaned != 0) {
    clean = packet::parse_ip(Bytes(clean_).first(cleaned), view.ip_at);
    if (!clean.whole_udp()) return false;
  }
  const std::uint32_t bytes = writer_.marked_ip_bytes(clean);
  if (bytes == 0) return false;
  const StreamKey key{view.flow, rtp.ssrc};
  if (rule.treatment == Treatment::lone) {
    auto found = lone_.find(key);
    if (found == lone_.end()) {
      if (lone_.size() >= marked_streams_max) return false;
      found = lone_.emplace(key, rule.psi).first;
      ++tallies_.streams;
    }
    waiting.mark = found->second.mark(bytes);
    waiting.to_mark = true;
    return true;
  }
  Stream* stream = stream_of(key);
  if (!stream) return false;
  waiting.stream = stream;
  stream->waiting.push_back(first_ + waiting_.size() - 1);
  stream->marker.offer({.rtp_timestamp = rtp.timestamp,
                        .marker = rtp.marker,
                        .payload = rtp.payload(),
                        .bytes = bytes,
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
  return streams_.emplace(key, std::make_unique<Stream>(settings_.marker)).first->second.get();
}

void MarkStream::decided(Stream& stream, const PduSetMark& mark) {
  Waiting& waiting = waiting_[stream.waiting.front() - first_];
  stream.waiting.pop_front();
  waiting.stream = nullptr;
  waiting.to_mark = true;
  waiting.mark = writer_.settled(mark);
}

void MarkStream::close(Stream& stream) {
  stream.marker.finish([&](const PduSetMark& mark) { decided(stream, mark); });
}

void MarkStream::hand_out_front() {
  Waiting& front = waiting_.front();
  std::size_t size = 0;
  if (front.to_mark) {
    take_apart(front.item.packet, layers_);
    size = editor_.edit(frame_, layers_, [&](MutableBytes out, const packet::PacketView& inner) {
      const std::size_t cleaned = stripper_.strip(clean_, inner);
      if (cleaned == 0) return writer_.put(out, inner, front.mark);
      // The link in front of the packet and its padding are as they were.
      auto clean = packet::parse_ip(Bytes(clean_).first(cleaned), inner.ip_at);
      return clean.whole_udp() ? writer_.put(out, clean, front.mark) : 0;
    });
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
