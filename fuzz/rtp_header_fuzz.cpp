// An RTP packet: header, extension elements, the mark, and an element put in and taken out.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "model/pdu_set.hpp"
#include "wire/rtp/edit.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"
#include "wire/rtp/registry.hpp"

namespace lobo::rtp {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ExtensionRegistry registry = [] {
    ExtensionRegistry made;
    require(made.bind(1, pdu_set_marking_urn));
    return made;
  }();
  const Bytes in = std::as_bytes(std::span(data, size));
  const RtpView view = parse_rtp(in);
  PduSetMark mark;
  (void)to_string(registry.read(view, mark));
  if (!view.ok()) return 0;
  require(view.payload_at <= view.payload_end && view.payload_end <= size);
  const std::array value{std::byte{1}, std::byte{2}, std::byte{3}};
  std::vector<std::byte> out(2 * size + 64);
  const FormRules rules{.preferred = Form::two_byte, .allow_mixed = true};
  const Written longer = write_with_element(out, view, {14, value}, rules);
  if (!longer) return 0;
  const auto with = std::span<const std::byte>(out).first(*longer);
  const RtpView again = parse_rtp(with);
  require(again.ok());
  require(find_element(again, 14).has_value());
  std::vector<std::byte> less(*longer);
  const Written shorter = write_without_element(less, again, 14);
  require(shorter.has_value());
  require(parse_rtp(Bytes(less).first(*shorter)).ok());
  return 0;
}

}  // namespace lobo::rtp
