#include "sync/level.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "model/bit_rate.hpp"

namespace lobo::sync {
namespace {

std::optional<double> number(const std::optional<std::int64_t>& value) {
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

std::optional<double> number(const std::optional<double>& value) { return value; }

std::optional<double> bit_rate(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  const auto rate = model::parse_bit_rate(*text);
  return rate ? std::optional(static_cast<double>(rate->count)) : std::nullopt;
}

/// PacketErrRate of TS 29.571: "1E-3", one digit each. Counted, because 1E-3 has no exact double.
std::optional<double> error_rate(const std::optional<std::string>& text) {
  if (!text || text->size() != 4) return std::nullopt;
  double out = (*text)[0] - '0';
  for (int tens = (*text)[3] - '0'; tens > 0; --tens) out /= 10;
  return out;
}

template <auto member>
void copy(const SyncQosLevel& from, SyncQosLevel& to) {
  to.*member = from.*member;
}
template <auto member>
std::optional<double> plain(const SyncQosLevel& level) {
  return number(level.*member);
}
template <auto member>
std::optional<double> rate(const SyncQosLevel& level) {
  return bit_rate(level.*member);
}
std::optional<double> errors(const SyncQosLevel& level) { return error_rate(level.per); }

using L = SyncQosLevel;
constexpr std::array members{
    LevelMember{"gbrUl", true, rate<&L::gbr_ul>, copy<&L::gbr_ul>},
    LevelMember{"gbrDl", true, rate<&L::gbr_dl>, copy<&L::gbr_dl>},
    LevelMember{"mbrUl", false, rate<&L::mbr_ul>, copy<&L::mbr_ul>},
    LevelMember{"mbrDl", false, rate<&L::mbr_dl>, copy<&L::mbr_dl>},
    LevelMember{"pdbUl", false, plain<&L::pdb_ul>, copy<&L::pdb_ul>},
    LevelMember{"pdbDl", false, plain<&L::pdb_dl>, copy<&L::pdb_dl>},
    LevelMember{"rtt", false, plain<&L::rtt>, copy<&L::rtt>},
    LevelMember{"jitterUl", false, plain<&L::jitter_ul>, copy<&L::jitter_ul>},
    LevelMember{"jitterDl", false, plain<&L::jitter_dl>, copy<&L::jitter_dl>},
    LevelMember{"per", false, errors, copy<&L::per>},
    LevelMember{"updateRateHz", false, plain<&L::update_rate_hz>, copy<&L::update_rate_hz>},
    LevelMember{"maxStateBytes", false, plain<&L::max_state_bytes>, copy<&L::max_state_bytes>}};

template <class From, class To>
void copy_all(const From& from, To& to) {
  to.gbr_ul = from.gbr_ul;
  to.gbr_dl = from.gbr_dl;
  to.mbr_ul = from.mbr_ul;
  to.mbr_dl = from.mbr_dl;
  to.pdb_ul = from.pdb_ul;
  to.pdb_dl = from.pdb_dl;
  to.rtt = from.rtt;
  to.jitter_ul = from.jitter_ul;
  to.jitter_dl = from.jitter_dl;
  to.per = from.per;
  to.update_rate_hz = from.update_rate_hz;
  to.max_state_bytes = from.max_state_bytes;
  to.components = from.components;
}

}  // namespace

std::span<const LevelMember> level_members() { return members; }

SyncQosLevel level_of(const SyncQos& qos) {
  SyncQosLevel out;
  copy_all(qos, out);
  return out;
}

void put_level(SyncQos& qos, const SyncQosLevel& level) { copy_all(level, qos); }

SyncQosLevel below(const SyncQosLevel& above, const SyncQosLevel& step) {
  SyncQosLevel out = above;
  for (const auto& member : members)
    if (member.value(step)) member.copy(step, out);
  if (step.components) out.components = step.components;
  return out;
}

}  // namespace lobo::sync
