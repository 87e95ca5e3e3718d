#include "wire/udp_options/surplus.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "wire/packet/checksum.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/kinds.hpp"

namespace lobo::udp_options {
namespace {

constexpr std::size_t checksum_bytes = 2;
constexpr std::size_t surplus_bytes_max = 0xFFFF;  // positions and the checksum's term have 16 bits
constexpr std::uint8_t length_is_extended = 255;

// The sum of the words from OCS on, OCS included, and of the length of the whole area.
std::uint16_t area_sum(Bytes area, bool odd) {
  const std::uint16_t words = packet::ones_sum(area.subspan(odd ? 1 : 0));
  return packet::ones_add(words, static_cast<std::uint16_t>(area.size()));
}

constexpr bool may_repeat(std::uint8_t kind) { return kind == kind_exp; }

constexpr bool has_reader(std::uint8_t kind) { return kind <= kind_auth || kind == kind_exp; }

// The sum is zero only if all bytes are; a probe of RFC 9869 is over a thousand of them.
bool all_zero(Bytes in) {
  if (in.size() > 8) return packet::ones_sum(in) == 0;
  std::uint64_t any = 0;
  for (const std::byte b : in) any |= std::to_integer<std::uint64_t>(b);
  return any == 0;
}

void count(std::uint8_t& counter) {
  if (counter < 0xFF) ++counter;
}

class Walk {
 public:
  Walk(Surplus& out, bool user_data_empty) : out_(out), user_data_empty_(user_data_empty) {}

  Verdict run(std::size_t at) {
    end_ = out_.area.size();
    std::size_t nops = 0;
    while (at < end_) {  // each turn moves at least one byte
      const std::uint8_t kind = u8_at(out_.area, at);
      if (kind == kind_nop) {
        ++at;
        ++nops;
        out_.remarks.nop_run_longest =
            std::max(out_.remarks.nop_run_longest, static_cast<std::uint16_t>(nops));
        continue;
      }
      nops = 0;
      if (kind == kind_eol) {
        out_.remarks.trailing_not_zero = !all_zero(out_.area.subspan(at, end_ - at));
        break;
      }
      if (is_unsafe(kind))
        return in_fragment_ ? Verdict::unsafe_option : Verdict::unsafe_outside_fragment;
      const Verdict verdict = take(kind, at);
      if (verdict != Verdict::accepted) return verdict;
    }
    out_.options_end = static_cast<std::uint16_t>(in_fragment_ ? end_ : at);
    return Verdict::accepted;
  }

 private:
  // One option with a length at `at`, which moves behind it.
  Verdict take(std::uint8_t kind, std::size_t& at) {
    const std::size_t left = end_ - at;
    if (left < 2) return Verdict::option_cut;
    std::size_t length = u8_at(out_.area, at + 1);
    std::size_t header = 2;
    if (length == length_is_extended) [[unlikely]] {
      if (left < 4) return Verdict::option_cut;
      header = 4;
      length = be16_at(out_.area, at + 2);
      if (length < length_is_extended) return Verdict::option_length;
    }
    if (length < header) return Verdict::option_length;
    if (length > left) return Verdict::option_cut;
    const Option option{static_cast<std::uint16_t>(at), static_cast<std::uint16_t>(length), kind,
                        static_cast<std::uint8_t>(header)};
    at += length;
    return keep(option);
  }

  Verdict keep(const Option& option) {
    const ValueLength lengths = value_length(option.kind);
    const std::size_t value_bytes = std::size_t{option.length} - option.header_length;
    if (value_bytes < lengths.least) return Verdict::option_too_short;
    if (!has_reader(option.kind)) count(out_.remarks.unknown_safe);
    if (is_must_support(option.kind)) {
      out_.remarks.must_support_late = out_.remarks.must_support_late || seen_other_;
    } else {
      seen_other_ = true;
    }
    // RFC 9868 clause 10: a later revision of a kind may be longer; APC says of itself that this
    // is a failed check, and FRAG has two lengths with none between them.
    const bool unknown_length =
        value_bytes > lengths.most || (option.kind == kind_frag && value_bytes == 9);
    if (unknown_length) {
      count(out_.remarks.unexpected_length);
      if (option.kind != kind_apc) return Verdict::accepted;
    }
    const std::uint64_t bit = std::uint64_t{1} << (option.kind & 63U);
    std::uint64_t& seen = seen_[option.kind >> 6U];
    if ((seen & bit) != 0 && !may_repeat(option.kind)) {
      count(out_.remarks.repeated);
      return Verdict::accepted;
    }
    seen |= bit;
    if (out_.count == options_max) return Verdict::too_many_options;
    out_.list[out_.count++] = option;
    return option.kind == kind_frag ? enter_fragment(option) : Verdict::accepted;
  }

  // From here the options end where the fragment's data begins.
  Verdict enter_fragment(const Option& option) {
    if (!user_data_empty_) return Verdict::fragment_with_user_data;
    const std::size_t start = be16_at(out_.area, std::size_t{option.at} + option.header_length);
    const std::size_t options_behind = std::size_t{option.at} + option.length;
    if (start < packet::udp_header_bytes + options_behind) return Verdict::fragment_bounds;
    if (start > packet::udp_header_bytes + out_.area.size()) return Verdict::fragment_bounds;
    end_ = start - packet::udp_header_bytes;
    in_fragment_ = true;
    return Verdict::accepted;
  }

  Surplus& out_;
  std::size_t end_ = 0;
  std::array<std::uint64_t, 3> seen_{};  // kinds below kind_unsafe_first
  bool user_data_empty_;
  bool in_fragment_ = false;
  bool seen_other_ = false;
};

Verdict judge(Surplus& out, const SurplusOf& of) {
  const std::size_t pad = of.odd ? 1 : 0;
  if (out.area.empty()) return Verdict::no_surplus;
  if (out.area.size() < pad + checksum_bytes) return Verdict::too_short;
  if (out.area.size() > surplus_bytes_max) return Verdict::unreadable_datagram;
  if (of.odd && out.area.front() != std::byte{}) return Verdict::pad_not_zero;
  out.checksum = be16_at(out.area, pad);
  if (out.checksum == 0) {
    if (of.udp_checksum != 0) return Verdict::checksum_missing;
    out.remarks.checksum_unused = true;
  } else if (area_sum(out.area, of.odd) != 0xFFFF) {
    return Verdict::checksum_wrong;
  }
  return Walk(out, of.user_data_empty).run(pad + checksum_bytes);
}

}  // namespace

const Option* Surplus::find(std::uint8_t kind) const {
  for (const Option& option : options())
    if (option.kind == kind) return &option;
  return nullptr;
}

const Option* Surplus::find_experiment(std::uint16_t ex_id) const {
  for (const Option& option : options())
    if (option.kind == kind_exp &&
        be16_at(area, std::size_t{option.at} + option.header_length) == ex_id)
      return &option;
  return nullptr;
}

std::optional<Frag> Surplus::frag() const {
  const Option* option = find(kind_frag);
  return option == nullptr ? std::nullopt : read_frag(value(*option));
}

Bytes Surplus::fragment_data() const {
  return find(kind_frag) == nullptr ? Bytes{} : area.subspan(options_end);
}

std::uint16_t option_checksum(Bytes area, bool odd) noexcept {
  const std::uint16_t present = be16_at(area, odd ? 1 : 0);
  const std::uint16_t sum =
      packet::ones_add(area_sum(area, odd), static_cast<std::uint16_t>(~present));
  const auto checksum = static_cast<std::uint16_t>(~sum);
  return checksum == 0 ? 0xFFFF : checksum;
}

bool option_checksum_holds(Bytes area, bool odd) noexcept { return area_sum(area, odd) == 0xFFFF; }

Surplus read_surplus(Bytes area, const SurplusOf& of) noexcept {
  Surplus out;
  out.area = area;
  out.odd = of.odd;
  out.verdict = judge(out, of);
  if (out.verdict != Verdict::accepted) out.count = 0;
  return out;
}

Surplus read_surplus(const packet::PacketView& view) noexcept {
  if (!view.whole_udp()) {
    Surplus out;
    out.verdict = Verdict::unreadable_datagram;
    return out;
  }
  const std::size_t udp_length = view.user_end - view.transport_at;
  return read_surplus(view.surplus(), {.odd = udp_length % 2 != 0,
                                       .udp_checksum = view.udp_checksum,
                                       .user_data_empty = view.user_data().empty()});
}

Apc verify_apc(const Surplus& surplus, Bytes user_data) noexcept {
  const Option* option = surplus.find(kind_apc);
  if (option == nullptr) return Apc::absent;
  return read_apc(surplus.value(*option)) == packet::crc32c(user_data) ? Apc::good : Apc::bad;
}

}  // namespace lobo::udp_options
