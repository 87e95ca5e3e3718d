#include "dataplane/stages/open.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "dataplane/rules/prefetch.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "model/pdu_set.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/sole_option.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::dataplane {
namespace {

bool form_agrees(rtp::Form form, std::uint8_t agreed) {
  return agreed == 0 || (form == rtp::Form::one_byte) == (agreed == 1);
}

/// Nothing: marked. The element of the one identifier that the rule names; rtp::ExtensionRegistry
/// does the same for many of them.
std::optional<RtpUnmarked> read_extension(Passage& passage, const rtp::RtpView& view) {
  const Treatment& rule = *passage.treatment;
  if (!view.ok()) return RtpUnmarked::not_rtp;
  if (view.form == rtp::Form::none || view.form == rtp::Form::other)
    return RtpUnmarked::no_extension;
  if (!form_agrees(view.form, rule.extension_form)) return RtpUnmarked::other_form;
  rtp::Elements elements(view);
  while (const auto element = elements.next()) {  // each turn takes at least one octet
    if (element->id != rule.extension_id) continue;
    if (!rtp::read_pdu_set_marking(element->value, passage.mark)) return RtpUnmarked::bad_value;
    return std::nullopt;
  }
  return elements.damaged() ? RtpUnmarked::damaged_extension : RtpUnmarked::no_element;
}

void open_extension(Passage& passage, PathCounters& counters) {
  auto reason = std::optional(RtpUnmarked::not_udp);
  if (passage.view.whole_udp()) {
    passage.mark = PduSetMark{};
    const rtp::RtpView view =
        rtp::parse_rtp(passage.view.user_data(), passage.treatment->padding_is_readable);
    if (view.ok()) passage.rtp_sequence = view.sequence_number;
    reason = read_extension(passage, view);
  }
  if (!reason) {
    passage.marked = true;
    counters.marked.add(1);
    return;
  }
  passage.unmarked = static_cast<std::uint8_t>(*reason);
  counters.unmarked_rtp[*reason].add(1);
}

}  // namespace

Opener::Opener(const PathSettings& settings, xrm::Receiver& receiver, PathCounters& counters)
    : settings_(settings), receiver_(receiver), counters_(counters) {}

void Opener::open(std::span<Passage> passages) noexcept {
  count_ = 0;
  for (Passage& passage : passages) {
    if (!passage.goes_on() || passage.treatment->action == Treatment::Action::buffer) continue;
    switch (passage.treatment->source) {
      case MarkSource::none: break;
      case MarkSource::rtp_extension: open_extension(passage, counters_); break;
      case MarkSource::udp_option: ask(passage); break;
    }
  }
  if (count_ > 0) take_answers();
}

void Opener::ask(Passage& passage) noexcept {
  const packet::PacketView& view = passage.view;
  if (passage.treatment->is_rtp && view.whole_udp()) {
    const rtp::RtpView rtp = rtp::parse_rtp(view.user_data(), false);
    if (rtp.ok()) passage.rtp_sequence = rtp.sequence_number;
  }
  if (const Bytes body = sole_body(view); !body.empty()) {
    passage.surplus = Surplus::ours_alone;
    return request(passage, body);
  }
  const udp_options::Surplus surplus = udp_options::read_surplus(view);
  const auto body = xrm::find_body(surplus, settings_.option_kind);
  if (!body) return unmarked(passage, body.error());
  // Data of a UDP fragment stand in the surplus area: it stays as it is.
  if (surplus.find(udp_options::kind_frag) == nullptr)
    passage.surplus = surplus.count == 1 ? Surplus::ours_alone : Surplus::ours_among_others;
  request(passage, *body);
}

/// Of our option where nothing else is in the surplus area; empty where the area has to be walked.
Bytes Opener::sole_body(const packet::PacketView& view) const noexcept {
  if (!view.whole_udp()) return {};
  const xrm::OptionKind kind = settings_.option_kind;
  const bool odd = (view.user_end - view.transport_at) % 2 != 0;
  const Bytes value = udp_options::sole_option(view.surplus(), odd, kind.kind());
  if (!kind.has_exid()) return value;
  constexpr std::size_t exid_bytes = 2;
  if (value.size() < exid_bytes || be16_at(value, 0) != kind.exid()) return {};
  return value.subspan(exid_bytes);
}

void Opener::request(Passage& passage, Bytes body) noexcept {
  asked_[count_] = &passage;
  xrm::MarkRequest& request = requests_[count_++];
  request.body = body;
  request.udp = passage.view.udp_header().data();
  request.mark = &passage.mark;
}

void Opener::take_answers() noexcept {
  receiver_.read(std::span(requests_).first(count_));
  std::uint64_t marked = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    Passage& passage = *asked_[i];
    const xrm::MarkRequest& answered = requests_[i];
    if (answered.refused) {
      unmarked(passage, *answered.refused);
      continue;
    }
    passage.marked = true;
    ++marked;
    prefetch(passage.treatment->tracker->place_of(passage.mark.pssn));
    if (answered.warnings.none()) continue;
    for (std::size_t kind = 0; kind < xrm::warning_kinds; ++kind) {
      const auto warning = static_cast<xrm::Warning>(kind);
      if (answered.warnings.has(warning)) counters_.warnings[warning].add(1);
    }
  }
  counters_.marked.add(marked);
}

void Opener::unmarked(Passage& passage, xrm::Unmarked reason) noexcept {
  passage.unmarked = static_cast<std::uint8_t>(reason);
  counters_.unmarked_option[reason].add(1);
}

}  // namespace lobo::dataplane
