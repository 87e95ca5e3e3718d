#include "wire/xrm/option.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/udp_options/edit.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {

std::optional<Bytes> body_in(std::uint8_t kind, Bytes value, OptionKind wanted) {
  if (kind != wanted.kind()) return std::nullopt;
  if (!wanted.has_exid()) return value;
  const auto experiment = udp_options::read_experiment(value);
  if (!experiment || experiment->ex_id != wanted.exid()) return std::nullopt;
  return experiment->value;
}

std::optional<Bytes> body_of(Bytes option, OptionKind wanted) {
  ByteReader in(option);
  const std::uint8_t kind = in.u8();
  const std::uint8_t length = in.u8();
  if (!in.ok() || length != option.size()) return std::nullopt;
  return body_in(kind, in.rest(), wanted);
}

tl::expected<Bytes, Unmarked> find_body(const udp_options::Surplus& surplus, OptionKind wanted) {
  if (surplus.verdict == udp_options::Verdict::no_surplus)
    return tl::unexpected(Unmarked::no_option);
  if (!surplus.accepted()) return tl::unexpected(Unmarked::options_refused);
  const auto* option =
      wanted.has_exid() ? surplus.find_experiment(wanted.exid()) : surplus.find(wanted.kind());
  if (option == nullptr) return tl::unexpected(Unmarked::no_option);
  // An experiment that was accepted has its ExID.
  return surplus.value(*option).subspan(wanted.prefix_bytes() - 2);
}

void write_option(ByteWriter& out, OptionKind kind, Bytes body) {
  const std::size_t bytes = kind.prefix_bytes() + body.size();
  if (bytes > option_bytes_max || bytes > out.left())
    out.zeros(out.left() + 1);  // more than fits: nothing is written, and `ok` says so
  else if (kind.has_exid())
    udp_options::write_experiment(out, kind.exid(), body);
  else
    udp_options::write_option(out, kind.kind(), body);
}

}  // namespace lobo::xrm
