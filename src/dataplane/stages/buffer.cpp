#include "dataplane/stages/buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/stages/passage.hpp"
#include "wire/packet_io/batch.hpp"

namespace lobo::dataplane {
namespace {

constexpr std::size_t room_bytes =
    packet_io::headroom_min + buffered_frame_bytes_max + packet_io::tailroom_min;

}  // namespace

Buffer::Buffer()
    : frames_(std::make_unique_for_overwrite<std::byte[]>(buffered_packets_max * room_bytes)) {
  free_.reserve(buffered_packets_max);
  lent_.reserve(packet_io::batch_packets_max);
  for (std::uint32_t slot = buffered_packets_max; slot > 0; --slot) free_.push_back(slot - 1);
  for (Queue& queue : queues_) queue.kept.reserve(Treatment::buffered_packets_max);
}

MutableBytes Buffer::room_of(std::uint32_t slot) const noexcept {
  return {frames_.get() + slot * room_bytes, room_bytes};
}

/// The one of this session, else a free one, else null.
Buffer::Queue* Buffer::place_of(std::uint64_t seid) noexcept {
  Queue* place = nullptr;
  for (Queue& queue : std::span(queues_).subspan(seid % buffer_rows * buffer_ways, buffer_ways)) {
    if (queue.kept.empty())
      place = &queue;
    else if (queue.seid == seid)
      return &queue;
  }
  return place;
}

bool Buffer::put(const Passage& passage, const Turn& turn) noexcept {
  const SessionRules& session = *passage.entry->session;
  const Bytes frame = passage.packet->bytes();
  Queue* const queue = place_of(session.seid());
  if (queue == nullptr || free_.empty() || frame.size() > buffered_frame_bytes_max) return false;
  if (queue->kept.size() >= passage.treatment->buffered_packets) return false;
  if (queue->kept.empty()) {
    queue->seid = session.seid();
    queue->facts = passage.facts;
    queue->since = turn.now;
    queue->leaving = 0;
  }
  queue->revision = session.revision();
  queue->given_up = session.buffers_given_up();
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  std::ranges::copy(frame, room_of(slot).begin() + packet_io::headroom_min);
  queue->kept.push_back({slot, static_cast<std::uint32_t>(frame.size()), passage.packet->arrived});
  ++size_;
  return true;
}

void Buffer::drop(Queue& queue, Dropped& dropped) noexcept {
  for (const Kept& kept : queue.kept) {
    ++dropped.packets;
    dropped.octets += kept.size;
    free_.push_back(kept.slot);
  }
  size_ -= queue.kept.size();
  queue.kept.clear();
  queue.leaving = 0;
}

void Buffer::look(const Turn& turn, Dropped& dropped) noexcept {
  const bool new_rules = turn.published != looked_;
  const bool expiry = turn.now >= expiry_at_;
  if (!new_rules && !expiry) return;
  looked_ = turn.published;
  if (expiry) expiry_at_ = turn.now + buffer_expiry_interval;
  for (Queue& queue : queues_) {
    if (queue.kept.empty()) continue;
    const RuleSet::Entry* const entry = turn.rules.entry_of(queue.facts);
    const bool there = entry != nullptr && entry->session->seid() == queue.seid;
    if (!there || entry->session->buffers_given_up() != queue.given_up ||
        turn.now - queue.since >= buffered_time_max) {
      drop(queue, dropped);
    } else if (entry->session->revision() != queue.revision) {
      queue.revision = entry->session->revision();
      queue.leaving = queue.kept.size();
    }
  }
}

Buffer::Dropped Buffer::take(const Turn& turn, packet_io::Batch& batch) noexcept {
  Dropped dropped;
  free_.insert(free_.end(), lent_.begin(), lent_.end());
  lent_.clear();
  if (size_ == 0) return dropped;
  look(turn, dropped);
  for (Queue& queue : queues_) {
    const std::size_t count = std::min(queue.leaving, packet_io::batch_packets_max - batch.size());
    if (count == 0) continue;
    for (const Kept& kept : std::span(queue.kept).first(count)) {
      batch.push(
          {room_of(kept.slot).first(room_bytes), packet_io::headroom_min, kept.size, kept.arrived});
      lent_.push_back(kept.slot);
    }
    queue.kept.erase(queue.kept.begin(), queue.kept.begin() + static_cast<std::ptrdiff_t>(count));
    queue.leaving -= count;
    size_ -= count;
  }
  return dropped;
}

}  // namespace lobo::dataplane
