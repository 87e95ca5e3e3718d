#include "toolbox/convert.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/progress.hpp"
#include "toolbox/rewrite_capture.hpp"
#include "toolbox/set_hold.hpp"
#include "wire/capture/capture.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/xrm/metadata.hpp"

namespace lobo::app {
namespace {

/// What stands in front of the IP header, saying which version follows; 0 if this link cannot.
std::size_t link_header(MutableBytes out, const capture::Packet& packet,
                        const packet::PacketView& outer, unsigned ip_version) {
  ByteWriter writer(out);
  writer.bytes(packet.bytes.first(outer.ip_at));
  const std::uint16_t ether_type =
      ip_version == 4 ? packet::ether_type_ipv4 : packet::ether_type_ipv6;
  const bool same = outer.flow.ip_version == ip_version;
  switch (packet.link_type) {
    case capture::LinkType::ethernet:
      put_be16_at(out, outer.ip_at - 2, ether_type);
      return outer.ip_at;
    case capture::LinkType::linux_sll:
      put_be16_at(out, outer.ip_at - 2, ether_type);
      return outer.ip_at;
    case capture::LinkType::linux_sll2:
      if (!same) put_be16_at(out, outer.vlan_tags == 0 ? 0 : outer.ip_at - 2, ether_type);
      return outer.ip_at;
    case capture::LinkType::raw: return 0;
    case capture::LinkType::ipv4:
    case capture::LinkType::ipv6:
    case capture::LinkType::null:
    case capture::LinkType::loop:
    case capture::LinkType::unknown: break;
  }
  return same ? outer.ip_at : out.size();
}

class Conversion {
 public:
  Conversion(MarkReader reader, MarkWriter writer, const ConvertSettings& settings,
             adapters::ByteSink& out)
      : reader_(std::move(reader)),
        writer_(std::move(writer)),
        stripper_({.extension = !settings.to_n3,
                   .option = !(settings.to_n3 && settings.tunnel.keep_option),
                   .extension_id = settings.read.extension_id,
                   .kind = settings.read.option}),
        settings_(settings),
        out_(out),
        clean_(frame_room),
        inner_(frame_room),
        frame_(frame_room) {}

  Result<void> ready() {
    if (!settings_.to_n3) return {};
    const auto source = model::parse_ip_address(settings_.tunnel.source);
    const auto destination = model::parse_ip_address(settings_.tunnel.destination);
    if (!source || !destination || source->index() != 0 || destination->index() != 0)
      return fail(Errc::malformed, "the two ends of N3 want IPv4 addresses");
    tunnel_ = packet::flow_between(*source, gtpu::udp_port, *destination, gtpu::udp_port);
    return {};
  }

  void item(const capture::Item& item) {
    const auto emit = [this](const SetHold::Held& held) { write(held); };
    if (item.kind != capture::Item::Kind::packet) return hold_.pass(item, emit);
    ++result_.packets;
    take_apart(item.packet, layers_);
    reader_.read(layers_, reading_);
    if (!reading_.holds()) return hold_.pass(item, emit);
    const auto clean = cleaned(layers_.inner);
    const std::uint32_t bytes =
        settings_.to_n3 ? clean.ip_end - clean.ip_at : writer_.marked_ip_bytes(clean);
    hold_.marked(item, reading_.stream(layers_), reading_.mark, bytes, emit);
  }

  Converted finish() {
    hold_.finish([this](const SetHold::Held& held) { write(held); });
    return result_;
  }

 private:
  /// The user's packet without the mark that it had; its frame is in `clean_` or as it was.
  packet::PacketView cleaned(const packet::PacketView& inner) {
    const std::size_t size = stripper_.strip(clean_, inner);
    return size == 0 ? inner : packet::parse_ip(Bytes(clean_).first(size), inner.ip_at);
  }

  void write(const SetHold::Held& held) {
    std::size_t size = 0;
    if (held.item.kind == capture::Item::Kind::packet) {
      take_apart(held.item.packet, layers_);
      std::optional<PduSetMark> mark;
      if (held.group) mark = resized(held);
      if (layers_.outer.has_ip() && (layers_.tunnelled || settings_.to_n3 || mark))
        size = settings_.to_n3 ? to_n3(held.item.packet, mark) : from_n3(held.item.packet, mark);
      ++(mark && size != 0 ? result_.marked : size != 0 ? result_.unmarked : result_.left);
    }
    write_item(out_, held.item, Bytes(frame_).first(size));
  }

  PduSetMark resized(const SetHold::Held& held) const {
    PduSetMark mark = held.mark;
    const auto old_size = mark.pdu_set_size;
    const bool known = held.group->whole() && held.group->bytes <= pdu_set_size_max;
    mark.pdu_set_size = known ? static_cast<std::uint32_t>(held.group->bytes) : 0;
    if (known) mark.pdus_in_set = static_cast<std::uint16_t>(held.group->expected);
    // A burst of this one set is as long as the set is; of several nobody knows here.
    if (mark.burst_size && *mark.burst_size != 0)
      mark.burst_size = mark.burst_size == old_size ? mark.pdu_set_size : 0;
    return mark;
  }

  std::size_t to_n3(const capture::Packet& packet, const std::optional<PduSetMark>& mark) {
    if (layers_.tunnelled) return 0;  // it is on N3 already
    const auto clean = layers_.whole_udp() ? cleaned(layers_.inner) : layers_.inner;
    const Bytes user = clean.ip_packet();
    std::array<std::byte, gtpu::container_content_bytes_max> session{};
    std::array<std::byte, gtpu::container_content_bytes_max> set{};
    ByteWriter session_writer(session);
    ByteWriter set_writer(set);
    gtpu::DlSession fields{.qfi = settings_.tunnel.qfi};
    if (mark) {
      fields.burst_size = known(mark->burst_size, 0U);
      fields.time_to_next_burst = known(mark->time_to_next_burst, xrm::ttnb_unknown);
      PduSetMark conveyed = *mark;
      conveyed.pdu_set_size = known(mark->pdu_set_size, 0U);
      gtpu::write_pdu_set_information(set_writer, settings_.tunnel.qfi, conveyed);
    }
    gtpu::write_dl_session(session_writer, fields, settings_.read.release);
    const std::array extensions{
        gtpu::Extension{gtpu::type_pdu_session_container, session_writer.written()},
        gtpu::Extension{settings_.tunnel.container, set_writer.written()}};
    const auto chain = std::span(extensions).first(mark ? 2 : 1);
    const std::size_t headroom = gtpu::encapsulation_bytes(chain);
    ByteWriter inner(inner_);
    inner.zeros(headroom);
    inner.bytes(user);
    if (!inner.ok() || !gtpu::encapsulate(MutableBytes(inner_).first(inner.position()), headroom,
                                          settings_.tunnel.teid, chain))
      return 0;
    const std::size_t at = link_header(frame_, packet, layers_.outer, 4);
    if (at >= frame_.size()) return 0;
    // UDP over IPv4 without a checksum, as TS 29.281 clause 4.4.2.0 lets a sender do.
    const auto size = packet::build_udp_packet(MutableBytes(frame_).subspan(at), tunnel_, {},
                                               inner.written(), false);
    return size ? at + *size : 0;
  }

  std::size_t from_n3(const capture::Packet& packet, const std::optional<PduSetMark>& mark) {
    const auto clean = mark ? cleaned(layers_.inner) : layers_.inner;
    const std::size_t at =
        link_header(frame_, packet, layers_.outer, layers_.inner.flow.ip_version);
    if (layers_.inner.flow.ip_version == 0 || at >= frame_.size()) return 0;
    ByteWriter writer(MutableBytes(frame_).subspan(at));
    writer.bytes(clean.frame.subspan(clean.ip_at));
    if (!writer.ok()) return 0;
    const std::size_t size = at + writer.position();
    if (!mark) return size;
    const auto bare = packet::parse_ip(Bytes(frame_).first(size), at);
    const std::size_t marked = writer_.put(inner_, bare, writer_.settled(*mark));
    if (marked == 0) return size;
    std::ranges::copy(Bytes(inner_).first(marked), frame_.begin());
    return marked;
  }

  template <class Number>
  static std::optional<Number> known(std::optional<Number> value, Number unknown) {
    return value && *value != unknown ? value : std::nullopt;
  }

  MarkReader reader_;
  MarkWriter writer_;
  MarkStripper stripper_;
  const ConvertSettings& settings_;
  adapters::ByteSink& out_;
  packet::FlowKey tunnel_;
  SetHold hold_;
  Layers layers_;
  Reading reading_;
  std::vector<std::byte> clean_;
  std::vector<std::byte> inner_;
  std::vector<std::byte> frame_;
  Converted result_;
};

}  // namespace

Result<Converted> convert(adapters::CaptureSource& source, adapters::ByteSink& out,
                          const ConvertSettings& settings) {
  auto reader = MarkReader::create(settings.read);
  if (!reader) return fail(reader.error());
  auto writer = MarkWriter::create(settings.write);
  if (!writer) return fail(writer.error());
  Conversion conversion(std::move(*reader), std::move(*writer), settings, out);
  if (auto ready = conversion.ready(); !ready) return fail(ready.error());
  Progress progress("convert");
  while (const auto* item = source.next()) {
    conversion.item(*item);
    progress.packet(source);
    if (out.failed()) break;
  }
  const auto result = conversion.finish();
  if (auto done = out.close(); !done) return fail(done.error());
  return result;
}

}  // namespace lobo::app
