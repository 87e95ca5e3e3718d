#pragma once
// The frames that the corpus of bad marks is made of.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lobo::app {

using ByteVector = std::vector<std::byte>;

/// Bytes from hexadecimal digits; blanks are passed over.
ByteVector hex(std::string_view digits);

inline constexpr std::uint16_t corpus_first_port = 20000;

struct FrameOf {
  std::uint16_t source_port = corpus_first_port;
  std::uint16_t sequence_number = 1;
  ByteVector extension;  ///< of the RTP header, its own header included
  bool odd = false;      ///< one byte more of payload
};

/// RTP over UDP over IPv4 in Ethernet, with one NAL unit of H.264.
ByteVector frame_of(const FrameOf& what);

enum class Ocs : std::uint8_t { right, wrong, zero };
/// The frame with a surplus area: pad, OCS, then `options` as they are.
ByteVector with_surplus(ByteVector frame, const ByteVector& options, Ocs ocs = Ocs::right,
                        std::byte pad = {});
/// The same with bytes that are no surplus area at all.
ByteVector with_raw_surplus(ByteVector frame, const ByteVector& bytes);
/// An XRM option of kind EXP around `body`.
ByteVector xrm_option(const ByteVector& body);

/// The IP packet of `frame` in a G-PDU, with these extension headers as they stand.
ByteVector in_tunnel(const ByteVector& frame, std::uint8_t first_extension,
                     const ByteVector& extensions);

}  // namespace lobo::app
