#pragma once
// The G-PDU header that nearly every packet towards a RAN gets: a PDU Session Container that says
// the QoS flow alone and, where the packet has a mark, a PDU Set Information Container behind it.
// The same octets as encapsulate() makes of these two, in four stores.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::gtpu {

class FlowHeader {
 public:
  FlowHeader(std::uint8_t qfi, bool reflective_qos) noexcept
      : flow_(std::uint64_t{type_pdu_session_container} << 32U | std::uint64_t{1} << 24U |
              (reflective_qos ? Bits{}.rqi : 0U) << 8U | (qfi & qfi_mask) << 8U),
        qfi_(qfi) {}

  /// `type`: 0x04 or 0x86. The end of a burst and the size are those to tell, whatever the mark
  /// says of them.
  void add_set(std::uint8_t type, const PduSetMark& mark, bool end_of_data_burst,
               std::optional<std::uint32_t> pdu_set_size) noexcept {
    const std::uint64_t information =
        pdu_set_information(qfi_, mark, end_of_data_burst, pdu_set_size);
    const std::size_t bytes = pdu_set_size ? set_bytes_max : set_bytes_min;
    flow_ |= type;
    set_ = std::uint64_t{bytes / 4} << 56U | information >> 8U;
    set_rest_ = static_cast<std::uint32_t>(information << 24U);
    set_bytes_ = bytes;
  }

  std::size_t bytes() const noexcept { return flow_bytes + set_bytes_; }

  /// `message` is all of it, this header included. False, and nothing written, where Length cannot
  /// tell its size.
  bool write(MutableBytes message, std::uint32_t teid) const noexcept {
    constexpr std::uint64_t length_max = 0xFFFF;
    constexpr std::uint64_t flags_and_type = 0x34FF;  // version 1, GTP, E; G-PDU
    const std::uint64_t length = message.size() - header_bytes;
    if (length > length_max) return false;
    put_be64_at(message, 0, flags_and_type << 48U | length << 32U | teid);
    put_be64_at(message, header_bytes, flow_);
    if (set_bytes_ == 0) return true;
    put_be64_at(message, flow_bytes, set_);
    if (set_bytes_ > sizeof set_) put_be32_at(message, flow_bytes + sizeof set_, set_rest_);
    return true;
  }

 private:
  static constexpr unsigned qfi_mask = 0x3F;
  /// GTP-U's own eight octets, its four optional ones, a container of four.
  static constexpr std::size_t flow_bytes = header_bytes + 8;

  static constexpr std::size_t set_bytes_max =
      extension_bytes(pdu_set_information_bytes({.pdu_set_size = 0}));
  static constexpr std::size_t set_bytes_min = extension_bytes(pdu_set_information_bytes({}));

  std::uint64_t flow_;  ///< the optional octets, the container, the type of the next header
  std::uint64_t set_ = 0;
  std::uint32_t set_rest_ = 0;
  std::size_t set_bytes_ = 0;
  std::uint8_t qfi_;
};

}  // namespace lobo::gtpu
