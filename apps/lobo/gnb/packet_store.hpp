#pragma once
// The octets of packets that are under way, by number. Room that was used is used again.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"

namespace lobo::app {

/// Bounded by the radio, which takes no more than dataplane::radio_packets_max.
class PacketStore {
 public:
  std::uint64_t put(Bytes packet) {
    std::uint64_t number = packets_.size();
    if (free_.empty()) {
      packets_.emplace_back();
    } else {
      number = free_.back();
      free_.pop_back();
    }
    packets_[number].assign(packet.begin(), packet.end());
    return number;
  }
  Bytes at(std::uint64_t number) const { return packets_[number]; }
  void free(std::uint64_t number) { free_.push_back(number); }

 private:
  std::vector<std::vector<std::byte>> packets_;
  std::vector<std::uint64_t> free_;
};

}  // namespace lobo::app
