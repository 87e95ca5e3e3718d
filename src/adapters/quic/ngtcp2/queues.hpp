#pragma once
// What waits to be sent on a connection: datagrams, which are copied into packets and forgotten,
// and streams, whose octets stay where they are until they are acknowledged, because a packet that
// is lost is made anew from them.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace lobo::adapters::quic {

class DatagramQueue {
 public:
  bool empty() const { return next_ == entries_.size(); }
  std::size_t size() const { return entries_.size() - next_; }
  std::size_t bytes() const { return bytes_.size() - (empty() ? bytes_.size() : front_at()); }

  void push(Bytes datagram, std::uint64_t tag) {
    if (empty()) clear();
    entries_.push_back({bytes_.size(), datagram.size(), tag});
    bytes_.insert(bytes_.end(), datagram.begin(), datagram.end());
  }
  std::span<std::byte> front() {
    return std::span(bytes_).subspan(entries_[next_].at, entries_[next_].size);
  }
  std::uint64_t front_tag() const { return entries_[next_].tag; }
  /// What was sent is given back at once where it was all, and otherwise when it is the larger
  /// half.
  void pop() {
    ++next_;
    if (empty()) return clear();
    const std::size_t gone = front_at();
    if (gone < compact_bytes_min || gone * 2 < bytes_.size()) return;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(gone));
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(next_));
    for (auto& entry : entries_) entry.at -= gone;
    next_ = 0;
  }
  void clear() {
    entries_.clear();
    bytes_.clear();
    next_ = 0;
  }

 private:
  static constexpr std::size_t compact_bytes_min = 65'536;
  struct Entry {
    std::size_t at;
    std::size_t size;
    std::uint64_t tag;
  };
  std::size_t front_at() const { return entries_[next_].at; }

  std::vector<std::byte> bytes_;
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
};

/// Invariant: acknowledged <= sent <= written, as offsets of the stream.
class StreamQueue {
 public:
  static constexpr std::size_t pieces_max = 8;  ///< of one packet's stream frame

  void write(Bytes octets, bool end) {
    if (!octets.empty()) {
      chunks_.emplace_back(octets.begin(), octets.end());
      written_ += octets.size();
    }
    end_ = end_ || end;
  }
  bool ended() const { return end_; }
  bool waits() const { return sent_ < written_ || (end_ && !end_sent_); }
  std::size_t held() const { return static_cast<std::size_t>(written_ - acknowledged_); }

  struct Piece {
    std::byte* data;
    std::size_t size;
  };
  /// The next octets to send; how many pieces. `all`: they reach to what was written last.
  std::size_t pieces(std::array<Piece, pieces_max>& out, bool& all) {
    std::uint64_t at = acknowledged_ - front_gone_;
    std::size_t count = 0;
    all = true;
    for (auto& chunk : chunks_) {
      const std::uint64_t behind = at + chunk.size();
      if (behind > sent_) {
        if (count == pieces_max) {
          all = false;
          break;
        }
        const auto skip = static_cast<std::size_t>(sent_ > at ? sent_ - at : 0);
        out[count++] = {chunk.data() + skip, chunk.size() - skip};
      }
      at = behind;
    }
    return count;
  }
  void sent(std::size_t octets) {
    sent_ += octets;
    end_sent_ = end_ && sent_ == written_;
  }
  /// How many octets are held no longer.
  void acknowledged(std::size_t octets) {
    acknowledged_ += octets;
    front_gone_ += octets;
    while (!chunks_.empty() && front_gone_ >= chunks_.front().size()) {
      front_gone_ -= chunks_.front().size();
      chunks_.pop_front();
    }
  }

 private:
  // A deque of its own allocations: where octets lie does not change while others come and go.
  std::deque<std::vector<std::byte>> chunks_;
  std::uint64_t written_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t front_gone_ = 0;  ///< acknowledged octets of the first chunk
  bool end_ = false;
  bool end_sent_ = false;
};

}  // namespace lobo::adapters::quic
