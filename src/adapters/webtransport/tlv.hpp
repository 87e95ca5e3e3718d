#pragma once
// Frames of HTTP/3 (RFC 9114 clause 7.1) and capsules within them (RFC 9297 clause 3.2) have one
// shape: a type, a length, a value. They come in pieces of any size.

#include <cstddef>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace lobo::adapters::webtransport {

/// Error codes of RFC 9114 clause 8.1.
enum class H3 : std::uint64_t {
  no_error = 0x100,
  general_protocol_error = 0x101,
  stream_creation_error = 0x103,
  closed_critical_stream = 0x104,
  frame_unexpected = 0x105,
  frame_error = 0x106,
  excessive_load = 0x107,
  id_error = 0x108,
  settings_error = 0x109,
  missing_settings = 0x10A,
  request_incomplete = 0x10D,
  message_error = 0x10E,
  qpack_decompression_failed = 0x200,
};
struct Fault {
  H3 code{};
  std::string what;
};
using Checked = tl::expected<void, Fault>;
inline tl::unexpected<Fault> fault(H3 code, std::string what) {
  return tl::unexpected<Fault>(Fault{code, std::move(what)});
}

enum class Want : std::uint8_t { nothing, pieces, whole };

struct TlvVisitor {
  virtual ~TlvVisitor() = default;
  /// What one wants of a value of this type. A whole one is at most so long as whole_bytes_max
  /// says.
  virtual tl::expected<Want, Fault> begin(std::uint64_t type) = 0;
  virtual std::size_t whole_bytes_max() const = 0;
  virtual Checked piece(std::uint64_t type, Bytes octets) = 0;
  virtual Checked whole(std::uint64_t type, Bytes value) = 0;
};

class TlvReader {
 public:
  Checked feed(Bytes in, TlvVisitor& visitor);
  /// Between two of them: where a stream may end.
  bool at_rest() const { return state_ == State::head && head_.empty(); }

 private:
  enum class State : std::uint8_t { head, value };
  State state_ = State::head;
  std::vector<std::byte> head_;  ///< as much of type and length as was there
  std::uint64_t type_ = 0;
  std::uint64_t left_ = 0;
  Want want_ = Want::nothing;
  std::vector<std::byte> value_;
};

}  // namespace lobo::adapters::webtransport
