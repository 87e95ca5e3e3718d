// The whole of `lobo pcap inspect` behind the capture's reader, and what `mark`, `strip` and
// `convert` do to a packet: no bytes of a packet end in anything but a verdict, and what is taken
// out again leaves the packet as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/reason.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/reader.hpp"

namespace {

namespace capture = lobo::capture;
namespace app = lobo::app;
using lobo::Bytes;
using lobo::MutableBytes;

app::MarkWriter writer_of(app::Carry carry) {
  auto writer = app::MarkWriter::create({.carry = carry});
  if (!writer) std::abort();
  return std::move(*writer);
}

struct Machine {
  app::MarkReader reader = [] {
    auto made = app::MarkReader::create({});
    if (!made) std::abort();
    return std::move(*made);
  }();
  app::MarkWriter extension = writer_of(app::Carry::rtp_extension);
  app::MarkWriter option = writer_of(app::Carry::option);
  app::MarkStripper stripper{app::StripSettings{}};
  app::InnerEditor editor;
  app::Layers layers;
  app::Layers again;
  app::Reading reading;
  std::vector<std::byte> marked = std::vector<std::byte>(app::frame_room);
  std::vector<std::byte> stripped = std::vector<std::byte>(app::frame_room);
};

/// A packet without a mark gets one; it can be read, and without it the packet is as it was.
void mark_and_strip(Machine& m, app::MarkWriter& writer, const capture::Packet& packet) {
  const lobo::PduSetMark mark{.end_of_pdu_set = true, .pdu_set_size = 7, .pdus_in_set = 1};
  const auto size = m.editor.edit(m.marked, m.layers, [&](MutableBytes out, const auto& inner) {
    return writer.put(out, inner, mark);
  });
  if (size == 0) return;
  auto changed = packet;
  changed.bytes = Bytes(m.marked).first(size);
  changed.original_length = static_cast<std::uint32_t>(size);
  app::take_apart(changed, m.again);
  if (!m.again.whole_udp()) std::abort();
  m.reader.read(m.again, m.reading);
  if (!m.reading.has_mark()) std::abort();
  const auto back = m.editor.edit(m.stripped, m.again, [&](MutableBytes out, const auto& inner) {
    return m.stripper.strip(out, inner);
  });
  if (back == 0) std::abort();
  if (back != packet.bytes.size()) std::abort();
}

void look_at(Machine& m, const capture::Packet& packet) {
  app::take_apart(packet, m.layers);
  m.reader.read(m.layers, m.reading);
  if (m.layers.inner.has_ip() && m.layers.inner.ip_end > m.layers.inner.frame.size()) std::abort();
  // Packets that have an extension, a surplus area or a mark may come out in another form.
  const bool plain = m.reading.reason == app::Reason::unmarked && m.reading.is_rtp &&
                     !m.reading.rtp.has_extension() && m.layers.inner.surplus().empty() &&
                     !m.layers.inner.jumbo;
  if (!plain) return;
  mark_and_strip(m, m.option, packet);
  mark_and_strip(m, m.extension, packet);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Machine machine;
  const Bytes file = std::as_bytes(std::span(data, size));
  if (file.empty()) return 0;
  // A capture, or one packet of a link type that the first byte chooses.
  capture::Reader reader;
  bool is_capture = false;
  for (std::size_t at = 0; at < file.size();) {
    const auto step = reader.next(file.subspan(at));
    if (step.status != capture::Reader::Status::item) break;
    is_capture = true;
    at += step.size;
    if (step.item.kind == capture::Item::Kind::packet) look_at(machine, step.item.packet);
  }
  if (is_capture) return 0;
  constexpr capture::LinkType types[] = {capture::LinkType::ethernet, capture::LinkType::raw,
                                         capture::LinkType::linux_sll,
                                         capture::LinkType::linux_sll2, capture::LinkType::null};
  const Bytes packet = file.subspan(1);
  look_at(machine, {.link_type = types[std::to_integer<std::size_t>(file[0]) % std::size(types)],
                    .original_length = static_cast<std::uint32_t>(packet.size()),
                    .bytes = packet});
  return 0;
}
