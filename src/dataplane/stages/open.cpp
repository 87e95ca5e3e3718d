#include "dataplane/stages/open.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/rules/prefetch.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "model/pdu_set.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/context.hpp"
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
    : settings_(settings), receiver_(receiver), counters_(counters) {
  requests_.reserve(packet_io::batch_packets_max);
}

void Opener::open(std::span<Passage> passages) noexcept {
  requests_.clear();
  for (Passage& passage : passages) {
    if (!passage.goes_on()) continue;
    switch (passage.treatment->source) {
      case MarkSource::none: break;
      case MarkSource::rtp_extension: open_extension(passage, counters_); break;
      case MarkSource::udp_option: ask(passage); break;
    }
  }
  if (!requests_.empty()) take_answers();
}

void Opener::ask(Passage& passage) noexcept {
  const packet::PacketView& view = passage.view;
  if (passage.treatment->is_rtp && view.whole_udp()) {
    const rtp::RtpView rtp = rtp::parse_rtp(view.user_data(), false);
    if (rtp.ok()) passage.rtp_sequence = rtp.sequence_number;
  }
  const udp_options::Surplus surplus = udp_options::read_surplus(view);
  const auto body = xrm::find_body(surplus, settings_.option_kind);
  if (!body) return unmarked(passage, body.error());
  // Data of a UDP fragment stand in the surplus area: it stays as it is.
  if (surplus.find(udp_options::kind_frag) == nullptr)
    passage.surplus = surplus.count == 1 ? Surplus::ours_alone : Surplus::ours_among_others;
  asked_[requests_.size()] = &passage;
  requests_.push_back({*body, xrm::UdpHeader(view.udp_header().first<packet::udp_header_bytes>())});
}

void Opener::take_answers() noexcept {
  receiver_.read(requests_);
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    Passage& passage = *asked_[i];
    const auto& marking = requests_[i].marking;
    if (!marking) {
      unmarked(passage, marking.error());
      continue;
    }
    passage.marked = true;
    passage.mark = marking->mark;
    prefetch(passage.treatment->tracker->place_of(passage.mark.pssn));
    counters_.marked.add(1);
    if (marking->warnings.none()) continue;
    for (std::size_t kind = 0; kind < xrm::warning_kinds; ++kind) {
      const auto warning = static_cast<xrm::Warning>(kind);
      if (marking->warnings.has(warning)) counters_.warnings[warning].add(1);
    }
  }
}

void Opener::unmarked(Passage& passage, xrm::Unmarked reason) noexcept {
  passage.unmarked = static_cast<std::uint8_t>(reason);
  counters_.unmarked_option[reason].add(1);
}

}  // namespace lobo::dataplane
