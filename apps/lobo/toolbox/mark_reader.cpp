#include "toolbox/mark_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <ios>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/aead/choose.hpp"
#include "base/result.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/auth_of.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/reason.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/auth.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/key_file.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::app {
namespace {

Reason reason_of(udp_options::Verdict verdict) {
  using udp_options::Verdict;
  switch (verdict) {
    case Verdict::accepted:
    case Verdict::no_surplus: return Reason::unmarked;
    case Verdict::unreadable_datagram: return Reason::packet_malformed;
    case Verdict::too_short: return Reason::surplus_too_short;
    case Verdict::pad_not_zero: return Reason::pad_not_zero;
    case Verdict::checksum_wrong: return Reason::ocs_wrong;
    case Verdict::checksum_missing: return Reason::ocs_missing;
    case Verdict::option_cut: return Reason::option_cut;
    case Verdict::option_length:
    case Verdict::option_too_short: return Reason::option_length;
    case Verdict::too_many_options: return Reason::too_many_options;
    case Verdict::unsafe_option:
    case Verdict::unsafe_outside_fragment: return Reason::unsafe_option;
    case Verdict::fragment_with_user_data:
    case Verdict::fragment_bounds: return Reason::fragment_misplaced;
  }
  std::abort();
}

Reason reason_of(xrm::Unmarked unmarked) {
  using xrm::Unmarked;
  switch (unmarked) {
    case Unmarked::no_option: return Reason::unmarked;
    case Unmarked::options_refused: return Reason::option_length;
    case Unmarked::truncated: return Reason::truncated;
    case Unmarked::length_invalid: return Reason::length_invalid;
    case Unmarked::trailing_octets: return Reason::trailing_octets;
    case Unmarked::clear_not_accepted: return Reason::clear_not_accepted;
    case Unmarked::version_unknown: return Reason::version_unknown;
    case Unmarked::key_unknown: return Reason::key_unknown;
    case Unmarked::short_tag_refused: return Reason::short_tag_refused;
    case Unmarked::sid_refused: return Reason::sid_refused;
    case Unmarked::replayed: return Reason::replayed;
    case Unmarked::too_old: return Reason::too_old;
    case Unmarked::not_authentic: return Reason::not_authentic;
    case Unmarked::senders_exhausted: return Reason::senders_exhausted;
  }
  std::abort();
}

/// What both marks say, they have to say alike: no carriage carries everything.
bool agree(const PduSetMark& a, const PduSetMark& b) {
  const auto same = [](const auto& one, const auto& other) {
    return !one || !other || *one == *other;
  };
  return a.end_of_pdu_set == b.end_of_pdu_set && a.end_of_data_burst == b.end_of_data_burst &&
         a.psi == b.psi && a.pssn == b.pssn && a.psn == b.psn &&
         same(a.pdus_in_set, b.pdus_in_set) && same(a.burst_size, b.burst_size) &&
         same(a.time_to_next_burst, b.time_to_next_burst);
}

void take(Reading& reading, Carriage carriage, const PduSetMark& mark) {
  if (reading.reason == Reason::marked) {
    // PSSize may differ on N3, where the UPF took options away: it is not compared.
    if (!agree(reading.mark, mark)) reading.reason = Reason::carriages_differ;
    return;
  }
  if (is_wrong(reading.reason)) return;  // what was wrong first is told
  reading.reason = Reason::marked;
  reading.found = true;
  reading.carriage = carriage;
  reading.mark = mark;
}

void refuse(Reading& reading, Carriage carriage, Reason reason) {
  if (reason == Reason::unmarked || is_wrong(reading.reason)) return;
  if (reading.reason == Reason::marked && !is_wrong(reason)) return;
  reading.reason = reason;
  reading.found = false;
  reading.carriage = carriage;
}

}  // namespace

Result<std::string> read_key_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::not_found, fmt::format("{}: cannot be read", path));
  std::string text(xrm::key_file_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(Errc::not_found, fmt::format("{}: cannot be read", path));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Result<MarkReader> MarkReader::create(const ReadSettings& settings) {
  MarkReader reader(settings);
  if (settings.key_file.empty()) return reader;
  const auto text = read_key_text(settings.key_file);
  if (!text) return fail(text.error());
  const auto keys = xrm::read_key_file(*text);
  if (!keys) return fail(keys.error());
  reader.crypto_ = adapters::aead::make_fastest();
  for (const auto& one : keys->auth) {
    auto mac = reader.crypto_->aes_128_cmac(one.key.bytes());
    if (!mac) return fail(mac.error());
    reader.auth_.push_back({one.id, one.cover, std::move(*mac)});
  }
  if (keys->contexts.empty() && !settings.protected_only) return reader;
  reader.receiver_ = std::make_unique<xrm::Receiver>(
      xrm::ReceiverSettings{.accept = settings.protected_only ? xrm::Accept::protected_only
                                                              : xrm::Accept::clear_and_protected,
                            .leniency = settings.leniency});
  for (const auto& one : keys->contexts) {
    auto context = xrm::Context::create(one, *reader.crypto_);
    if (!context) return fail(context.error());
    if (auto added = reader.receiver_->add(std::move(*context)); !added) return fail(added.error());
  }
  return reader;
}

void MarkReader::read_extension(Reading& reading) const {
  const auto& rtp = reading.rtp;
  if (rtp.form != rtp::Form::one_byte && rtp.form != rtp::Form::two_byte) return;
  rtp::Elements elements(rtp);
  while (const auto element = elements.next()) {
    if (element->id != settings_.extension_id) continue;
    PduSetMark mark;
    if (rtp::read_pdu_set_marking(element->value, mark))
      take(reading, Carriage::rtp_extension, mark);
    else
      refuse(reading, Carriage::rtp_extension, Reason::extension_length);
    return;
  }
  if (elements.damaged()) refuse(reading, Carriage::rtp_extension, Reason::extension_damaged);
}

bool MarkReader::authentic(const udp_options::Surplus& surplus, const packet::PacketView& view) {
  const auto* option = auth_.empty() ? nullptr : surplus.find(udp_options::kind_auth);
  const auto auth = option ? xrm::read_auth(surplus.value(*option)) : std::nullopt;
  if (!auth) return true;
  const auto key = std::ranges::find(auth_, auth->key_id, &AuthCheck::id);
  return key == auth_.end() ||
         xrm::auth_verifies(*key->mac, auth_input(view, surplus, *option), key->cover);
}

void MarkReader::read_surplus(const packet::PacketView& view, Reading& reading) {
  if (view.user_end == view.ip_end) return;  // most packets: no surplus area at all
  const auto surplus = udp_options::read_surplus(view);
  if (!surplus.accepted()) return refuse(reading, Carriage::option, reason_of(surplus.verdict));
  if (!authentic(surplus, view)) return refuse(reading, Carriage::option, Reason::auth_wrong);
  read_option(surplus, view, reading);
  if (!is_wrong(reading.reason) &&
      udp_options::verify_apc(surplus, view.user_data()) == udp_options::Apc::bad)
    reading.reason = Reason::apc_wrong;
}

void MarkReader::read_option(const udp_options::Surplus& surplus, const packet::PacketView& view,
                             Reading& reading) {
  const auto body = xrm::find_body(surplus, settings_.option);
  if (!body) return refuse(reading, Carriage::option, reason_of(body.error()));
  const bool sealed = !body->empty() && xrm::form_of(body->front()) == xrm::Form::protected_;
  const auto carriage = sealed ? Carriage::protected_option : Carriage::option;
  if (sealed && !receiver_) return refuse(reading, carriage, Reason::sealed);
  if (!receiver_) {
    const auto clear = xrm::read_body(*body, xrm::Padding::none, settings_.leniency);
    if (!clear) return refuse(reading, carriage, reason_of(clear.error()));
    reading.warnings = clear->warnings;
    return take(reading, carriage, clear->mark);
  }
  const auto marking = receiver_->read(*body, view.udp_header().first<8>());
  if (!marking) return refuse(reading, carriage, reason_of(marking.error()));
  reading.warnings = marking->warnings;
  take(reading, carriage, marking->mark);
}

void MarkReader::read_containers(const gtpu::GtpuView& tunnel, Reading& reading) const {
  if (const auto* session = tunnel.find(gtpu::type_pdu_session_container)) {
    gtpu::DlSession fields;
    switch (gtpu::read_dl_session(session->content, settings_.release, fields)) {
      case gtpu::NotContainer::it_is: reading.session = fields; break;
      case gtpu::NotContainer::pdu_type: break;  // uplink: the gNB's reports
      case gtpu::NotContainer::cut:
      case gtpu::NotContainer::unknown_new_fields:
      case gtpu::NotContainer::not_enabled:
        refuse(reading, Carriage::containers, Reason::container_malformed);
    }
  }
  const auto* set = tunnel.find_pdu_set_information();
  if (!set) return;
  gtpu::PduSetInformation information;
  if (gtpu::read_pdu_set_information(set->content, information) != gtpu::NotContainer::it_is)
    return refuse(reading, Carriage::containers, Reason::container_malformed);
  reading.set_qfi = information.qfi;
  if (reading.session) {
    information.mark.burst_size = reading.session->burst_size;
    information.mark.time_to_next_burst = reading.session->time_to_next_burst;
  }
  take(reading, Carriage::containers, information.mark);
}

void MarkReader::read(const Layers& layers, Reading& reading) {
  reading.reason = layers.reason;
  reading.carriage = Carriage::none;
  reading.found = false;
  reading.warnings = {};
  reading.is_rtp = false;
  reading.session.reset();
  reading.set_qfi.reset();
  // A container speaks of its packet whatever the packet is; the other two need the datagram.
  if (layers.tunnelled) {
    if (!layers.whole_udp() && !is_wrong(layers.reason)) reading.reason = Reason::unmarked;
    read_containers(layers.tunnel, reading);
    if (reading.reason == Reason::unmarked) reading.reason = layers.reason;
  }
  if (!layers.whole_udp()) return;
  // Whether padding makes sense cannot be told of ciphertext, and nobody asks here.
  reading.rtp = rtp::parse_rtp(layers.inner.user_data(), false);
  reading.is_rtp = reading.rtp.ok();
  if (!settings_.carriages_in_packet) return;
  if (reading.is_rtp) read_extension(reading);
  read_surplus(layers.inner, reading);
}

}  // namespace lobo::app
