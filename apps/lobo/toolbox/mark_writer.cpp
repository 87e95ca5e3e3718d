#include "toolbox/mark_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "adapters/aead/choose.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/auth_of.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/mark_reader.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/edit.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"
#include "wire/udp_options/edit.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/auth.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/key_file.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo::app {
namespace {

/// The three groups in full: so every option of a stream is of one length, and PSSize can be told
/// before it is known which packet ends a burst.
constexpr std::size_t full_body_bytes = xrm::block_bytes;
constexpr std::size_t psn16_clear_bytes = 4;
constexpr std::size_t apc_bytes = 6;
constexpr std::size_t psn16_protected_bytes = xrm::block_bytes;

PduSetMark in_full(PduSetMark mark) {
  mark.pdu_set_size = mark.pdu_set_size.value_or(0);
  mark.pdus_in_set = mark.pdus_in_set.value_or(0);
  mark.burst_size = mark.burst_size.value_or(0);
  mark.time_to_next_burst = mark.time_to_next_burst.value_or(xrm::ttnb_unknown);
  return mark;
}

const udp_options::Option* find_xrm(const udp_options::Surplus& surplus, xrm::OptionKind kind) {
  return kind.has_exid() ? surplus.find_experiment(kind.exid()) : surplus.find(kind.kind());
}

}  // namespace

Result<MarkWriter> MarkWriter::create(const WriteSettings& settings) {
  MarkWriter writer(settings);
  if (settings.keys_come) {
    writer.crypto_ = adapters::aead::make_fastest();
    writer.tag_bytes_ = xrm::tag_bytes(*settings.keys_come);
    return writer;
  }
  if (settings.key_file.empty()) return writer;
  const auto text = read_key_text(settings.key_file);
  if (!text) return fail(text.error());
  const auto keys = xrm::read_key_file(*text);
  if (!keys) return fail(keys.error());
  writer.crypto_ = adapters::aead::make_fastest();
  if (settings.auth_key) {
    const auto key =
        std::ranges::find(keys->auth, xrm::KeyId{*settings.auth_key}, &xrm::AuthKey::id);
    if (key == keys->auth.end())
      return fail(Errc::not_found, fmt::format("{} has no such auth key", settings.key_file));
    auto mac = writer.crypto_->aes_128_cmac(key->key.bytes());
    if (!mac) return fail(mac.error());
    writer.auth_mac_ = std::move(*mac);
    writer.auth_cover_ = key->cover;
    // A file of AUTH keys alone: the option is clear.
    if (keys->contexts.empty() && !settings.key_id) return writer;
  }
  const auto wanted = std::ranges::find_if(keys->contexts, [&](const xrm::ContextSettings& one) {
    return !settings.key_id || one.key_id == xrm::KeyId{*settings.key_id};
  });
  if (wanted == keys->contexts.end())
    return fail(Errc::not_found, fmt::format("{} has no such context", settings.key_file));
  auto context = xrm::Context::create(*wanted, *writer.crypto_);
  if (!context) return fail(context.error());
  writer.tag_bytes_ = xrm::tag_bytes(wanted->tag);
  auto sender =
      xrm::Sender::create(std::move(*context), xrm::SenderId{settings.sid}, settings.first_counter);
  if (!sender) return fail(sender.error());
  writer.sender_ = std::make_unique<xrm::Sender>(std::move(*sender));
  return writer;
}

Result<void> MarkWriter::rekey(const xrm::ContextSettings* key) {
  sender_.reset();
  if (key == nullptr) return {};
  // The length of the tag is part of PSSize, which may have been told for packets that wait.
  if (xrm::tag_bytes(key->tag) != tag_bytes_)
    return fail(Errc::not_allowed, "a key with tags of another length");
  auto context = xrm::Context::create(*key, *crypto_);
  if (!context) return fail(context.error());
  auto sender = xrm::Sender::create(std::move(*context), xrm::SenderId{settings_.sid}, 0);
  if (!sender) return fail(sender.error());
  sender_ = std::make_unique<xrm::Sender>(std::move(*sender));
  exhausted_ = false;
  return {};
}

std::size_t MarkWriter::body_bytes() const {
  return is_protected() ? xrm::protected_header_bytes + full_body_bytes + tag_bytes_
                        : full_body_bytes;
}

bool MarkWriter::adds_apc(const packet::PacketView& view) const {
  return settings_.apc && (view.surplus().empty() ||
                           udp_options::read_surplus(view).find(udp_options::kind_apc) == nullptr);
}

std::size_t MarkWriter::options_bytes(const packet::PacketView& view) const {
  return settings_.option.prefix_bytes() + body_bytes() + (adds_apc(view) ? apc_bytes : 0) +
         (auth_mac_ ? xrm::auth_option_bytes : 0);
}

std::uint32_t MarkWriter::marked_ip_bytes(const packet::PacketView& view) {
  const std::uint32_t now = view.ip_end - view.ip_at;
  switch (settings_.carry) {
    case Carry::none: return now;
    case Carry::rtp_extension: {
      const std::size_t size = put_extension(user_, view, {.pdu_set_size = 0, .pdus_in_set = 0});
      return size == 0 ? 0 : static_cast<std::uint32_t>(now + size - view.frame.size());
    }
    case Carry::option: break;
  }
  const std::size_t option = options_bytes(view);
  const bool fresh = view.surplus().empty();
  const bool odd = (view.user_end - view.transport_at) % 2 != 0;
  return static_cast<std::uint32_t>(now +
                                    (fresh ? udp_options::surplus_bytes_for(option, odd) : option));
}

std::size_t MarkWriter::added_by(const PduSetMark& mark) const {
  if (settings_.carry != Carry::option || !mark.psn16) return 0;
  return is_protected() ? psn16_protected_bytes : psn16_clear_bytes;
}

PduSetMark MarkWriter::settled(PduSetMark mark) const {
  const std::size_t each = added_by(mark);
  if (each == 0 || !mark.pdu_set_size || !mark.pdus_in_set) return mark;
  const std::uint64_t more = *mark.pdus_in_set * each;
  const bool burst_is_set = mark.burst_size == mark.pdu_set_size;
  const std::uint64_t size = *mark.pdu_set_size + more;
  mark.pdu_set_size = size <= pdu_set_size_max ? static_cast<std::uint32_t>(size) : 0;
  if (burst_is_set) mark.burst_size = mark.pdu_set_size;
  return mark;
}

std::size_t MarkWriter::put(MutableBytes out, const packet::PacketView& view,
                            const PduSetMark& mark) {
  switch (settings_.carry) {
    case Carry::none: return 0;
    case Carry::rtp_extension: return put_extension(out, view, mark);
    case Carry::option: return put_option(out, view, mark);
  }
  std::abort();
}

std::size_t MarkWriter::put_extension(MutableBytes out, const packet::PacketView& view,
                                      const PduSetMark& mark) {
  const auto rtp = rtp::parse_rtp(view.user_data(), false);
  if (!rtp.ok()) return 0;
  PduSetMark carried = mark;
  carried.pdu_set_size =
      settings_.with_size ? std::optional(mark.pdu_set_size.value_or(0)) : std::nullopt;
  carried.pdus_in_set =
      settings_.with_count ? std::optional(mark.pdus_in_set.value_or(0)) : std::nullopt;
  std::array<std::byte, rtp::pdu_set_marking_bytes_max> value{};
  ByteWriter writer(value);
  rtp::write_pdu_set_marking(writer, carried);
  const auto written = rtp::write_with_element(
      extended_, rtp, {.id = settings_.extension_id, .value = writer.written()}, settings_.form);
  return written ? with_user_data(out, view, Bytes(extended_).first(*written)) : 0;
}

std::size_t MarkWriter::put_option(MutableBytes out, const packet::PacketView& view,
                                   const PduSetMark& mark) {
  std::array<std::byte, xrm::protected_sent_max + xrm::body_bytes_max> body{};
  std::size_t size = 0;
  if (is_protected()) {
    if (exhausted_ || !sender_) return 0;
    const auto sealed = sender_->seal(in_full(mark), view.udp_header().first<8>(), body);
    if (!sealed) {
      exhausted_ = true;
      return 0;
    }
    size = *sealed;
  } else {
    ByteWriter writer(body);
    xrm::write_body(writer, in_full(mark));
    if (!writer.ok()) return 0;
    size = writer.position();
  }
  std::array<std::byte, xrm::option_bytes_max + apc_bytes + xrm::auth_option_bytes> options{};
  ByteWriter writer(options);
  if (adds_apc(view)) udp_options::write_apc(writer, view.user_data());
  xrm::write_option(writer, settings_.option, Bytes(body).first(size));
  if (auth_mac_) xrm::write_auth(writer, {.key_id = xrm::KeyId{*settings_.auth_key}});
  if (!writer.ok()) return 0;
  return with_padding_kept(out, view, [&](MutableBytes buffer) -> std::size_t {
    const auto edited = udp_options::insert(buffer, view, writer.written());
    return edited && (!auth_mac_ || authenticate(buffer.first(*edited), view.ip_at)) ? *edited : 0;
  });
}

bool MarkWriter::authenticate(MutableBytes frame, std::size_t ip_at) {
  const auto view = packet::parse_ip(frame, ip_at);
  const auto surplus = udp_options::read_surplus(view);
  const auto* option = surplus.accepted() ? surplus.find(udp_options::kind_auth) : nullptr;
  // One that was there already was made for other options, with a key that is not ours.
  if (!option || option->length != xrm::auth_option_bytes) return false;
  const auto input = auth_input(view, surplus, *option);
  const auto mac = xrm::auth_mac(*auth_mac_, input, auth_cover_);
  if (!mac) return false;
  const MutableBytes area = frame.subspan(view.user_end, surplus.area.size());
  std::ranges::copy(*mac, area.begin() + static_cast<std::ptrdiff_t>(input.mac_at));
  put_be16_at(area, input.ocs_at, udp_options::option_checksum(area, surplus.odd));
  return true;
}

std::size_t MarkStripper::strip_extension(MutableBytes out, const packet::PacketView& view) {
  const auto rtp = rtp::parse_rtp(view.user_data(), false);
  if (!rtp.ok() || !rtp::find_element(rtp, settings_.extension_id)) return 0;
  const auto written = rtp::write_without_element(user_, rtp, settings_.extension_id);
  return written ? with_user_data(out, view, Bytes(user_).first(*written)) : 0;
}

std::size_t MarkStripper::strip_option(MutableBytes out, const packet::PacketView& view) const {
  if (view.surplus().empty()) return 0;
  const auto surplus = udp_options::read_surplus(view);
  const auto* option = surplus.accepted() ? find_xrm(surplus, settings_.kind) : nullptr;
  if (!option && !settings_.whole_surplus) return 0;
  return with_padding_kept(out, view, [&](MutableBytes buffer) -> std::size_t {
    const auto edited = settings_.whole_surplus
                            ? udp_options::strip(buffer, view)
                            : udp_options::remove(buffer, view, surplus, *option);
    return edited ? *edited : 0;
  });
}

std::size_t MarkStripper::strip(MutableBytes out, const packet::PacketView& view) {
  // The option first: what it protects is the header as it stands with the extension.
  const std::size_t without_option = settings_.option ? strip_option(frame_, view) : 0;
  if (!settings_.extension) {
    std::ranges::copy(Bytes(frame_).first(without_option), out.begin());
    return without_option;
  }
  if (without_option == 0) return strip_extension(out, view);
  const Bytes frame = Bytes(frame_).first(without_option);
  auto moved = view;
  moved.frame = frame;
  moved.ip_end = static_cast<std::uint32_t>(without_option - (view.frame.size() - view.ip_end));
  const std::size_t without_both = strip_extension(out, moved);
  if (without_both != 0) return without_both;
  std::ranges::copy(frame, out.begin());
  return without_option;
}

}  // namespace lobo::app
