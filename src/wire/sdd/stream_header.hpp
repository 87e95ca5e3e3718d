#pragma once
// What stands in front of every stream but the control stream: six numbers. R2 and R3: one message,
// to the end of the stream. R4: messages, each behind its length, numbered from `seq` on.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/bytes.hpp"
#include "wire/sdd/types.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::sdd {

inline constexpr std::size_t stream_header_bytes_max = std::size_t{6} * 8;
inline constexpr std::size_t stream_message_bytes_max = std::size_t{64} * 1024;
inline constexpr std::uint64_t stream_deadline_ms_max = 60'000;

struct StreamHeader {
  FlowId flow = 0;
  FlowClass reliability = FlowClass::unordered;
  Alias alias = 0;
  Component component = 0;
  Sequence seq = 0;
  std::chrono::milliseconds deadline{};  ///< from the opening of the stream; 0: none
  bool operator==(const StreamHeader&) const = default;
};

inline void write_stream_header(ByteWriter& out, const StreamHeader& header) {
  write_varint(out, header.flow);
  write_varint(out, static_cast<std::uint64_t>(header.reliability));
  write_varint(out, header.alias);
  write_varint(out, header.component);
  write_varint(out, header.seq);
  write_varint(out, static_cast<std::uint64_t>(header.deadline.count()));
}

/// What a stream that has begun says of its header.
enum class HeaderRead : std::uint8_t { whole, unfinished, bad };

/// `in` moves behind the header where it is whole; where it is not, more octets may make it so.
inline HeaderRead read_stream_header(ByteReader& in, StreamHeader& header) {
  const std::uint64_t flow = read_varint(in);
  const std::uint64_t reliability = read_varint(in);
  const std::uint64_t alias = read_varint(in);
  const std::uint64_t component = read_varint(in);
  const std::uint64_t seq = read_varint(in);
  const std::uint64_t deadline = read_varint(in);
  if (!in.ok()) return HeaderRead::unfinished;
  const auto kind = flow_class_of(reliability);
  if (flow == 0 || flow > std::numeric_limits<FlowId>::max() || !kind || by_datagram(*kind) ||
      alias == 0 || alias > std::numeric_limits<Alias>::max() ||
      component > std::numeric_limits<Component>::max() ||
      seq > std::numeric_limits<Sequence>::max() || deadline > stream_deadline_ms_max)
    return HeaderRead::bad;
  header = {.flow = static_cast<FlowId>(flow),
            .reliability = *kind,
            .alias = static_cast<Alias>(alias),
            .component = static_cast<Component>(component),
            .seq = static_cast<Sequence>(seq),
            .deadline = std::chrono::milliseconds(deadline)};
  return HeaderRead::whole;
}

}  // namespace lobo::sdd
