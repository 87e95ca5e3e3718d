#pragma once
// The UDP option around the metadata: Kind, Length, and with EXP an ExID. No kind has been
// assigned to "XRM Metadata (XRMeta)" yet, so which one is used is configuration.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {

using udp_options::kind_exp;
inline constexpr std::uint16_t exid_placeholder = 0x5852;  ///< "XR"; not registered with IANA
inline constexpr std::size_t option_bytes_max = 254;       ///< Length 255 would mean another form

/// Which option carries the metadata. By default EXP with the placeholder.
class OptionKind {
 public:
  constexpr OptionKind() = default;
  static constexpr OptionKind experimental(std::uint16_t exid) { return {kind_exp, exid}; }
  /// A kind of the SAFE range, 10 to 126.
  static constexpr std::optional<OptionKind> safe(std::uint8_t kind) {
    if (kind < udp_options::kind_unassigned_first || kind > udp_options::kind_unassigned_last)
      return std::nullopt;
    return OptionKind(kind, 0);
  }

  constexpr std::uint8_t kind() const { return kind_; }
  constexpr bool has_exid() const { return kind_ == kind_exp; }
  constexpr std::uint16_t exid() const { return exid_; }
  /// Octets before the body.
  constexpr std::size_t prefix_bytes() const { return has_exid() ? 4 : 2; }
  constexpr bool operator==(const OptionKind&) const = default;

 private:
  constexpr OptionKind(std::uint8_t kind, std::uint16_t exid) : kind_(kind), exid_(exid) {}
  std::uint8_t kind_ = kind_exp;
  std::uint16_t exid_ = exid_placeholder;
};

/// The body of an option of this kind, whose value (all behind Kind and Length) a walker of the
/// options handed over; nothing where it is another option.
std::optional<Bytes> body_in(std::uint8_t kind, Bytes value, OptionKind wanted);

/// The body of an option that stands alone. Nothing where it is another option, or its Length is
/// not its size.
std::optional<Bytes> body_of(Bytes option, OptionKind wanted);

/// The body in the surplus area of a datagram, or why there is none to read.
tl::expected<Bytes, Unmarked> find_body(const udp_options::Surplus& surplus, OptionKind wanted);

/// Writes Kind, Length, ExID and body. A body that makes the option longer than option_bytes_max
/// is not written, and `out` is spent.
void write_option(ByteWriter& out, OptionKind kind, Bytes body);

/// The first octet of a body tells its form: a clear one begins with Len_EM.
enum class Form : std::uint8_t { clear, protected_ };
constexpr Form form_of(std::byte first) {
  return (first & std::byte{0x80}) == std::byte{} ? Form::clear : Form::protected_;
}

}  // namespace lobo::xrm
