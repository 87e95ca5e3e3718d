#pragma once
// Reads a capture item by item from bytes that somebody else holds, so that a file, a pipe and a
// test are read alike and no more than one item needs to be in memory.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::capture {

class Reader {
 public:
  enum class Status : std::uint8_t {
    item,       ///< `item`, which takes `size` bytes
    need_more,  ///< at least `size` bytes must be there; a file that ends before them was cut
    broken,     ///< nothing behind this can be read: `broken` says why
  };
  struct Step {
    Status status = Status::need_more;
    std::size_t size = 0;
    Item item;
    Broken broken{};
  };

  /// The item at the front of `available`. The caller drops `size` bytes and asks again; a capture
  /// that ends where an item would begin is whole.
  Step next(Bytes available);

  Format format() const { return format_; }
  ByteOrder byte_order() const { return order_; }

 private:
  enum class State : std::uint8_t { start, records, blocks };
  /// What a packet's time and link type need of its interface (pcapng).
  struct Interface {
    LinkType link_type = LinkType::unknown;
    std::uint32_t snap_length = 0;
    std::uint8_t time_resolution = 6;  ///< if_tsresol
    std::int64_t time_offset_s = 0;    ///< if_tsoffset
  };

  Step start(Bytes available);
  Step record(Bytes available) const;
  Step block(Bytes available);
  Item::Kind section(Bytes block);
  Item::Kind interface(Bytes block);
  Item::Kind packet(Bytes block, std::uint32_t type, Packet& packet) const;
  Item::Kind simple_packet(Bytes block, Packet& packet) const;
  static std::chrono::nanoseconds time_of(std::uint64_t ticks, const Interface& interface);

  State state_ = State::start;
  Format format_ = Format::pcapng;
  ByteOrder order_ = ByteOrder::little;
  LinkType link_type_ = LinkType::unknown;  ///< of a classic capture
  std::vector<Interface> interfaces_;       ///< of this section
};

}  // namespace lobo::capture
