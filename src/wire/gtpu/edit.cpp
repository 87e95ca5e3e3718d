#include "wire/gtpu/edit.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::gtpu {
namespace {

constexpr std::size_t length_at = 2;
constexpr std::size_t first_type_at = 11;  ///< TS 29.281 clause 5.1, octet 12

bool is_set_information(std::uint8_t type) {
  return type == type_pdu_set_information || type == type_pdu_set_information_required;
}

/// What becomes of a PDU Session Container; nothing where it says nothing of bursts.
Bytes without_burst(const Extension& extension, Release release, MutableBytes room) {
  DlSession session;
  if (extension.type != type_pdu_session_container ||
      read_dl_session(extension.content, release, session) != NotContainer::it_is ||
      (!session.burst_size && !session.time_to_next_burst))
    return {};
  session.burst_size.reset();
  session.time_to_next_burst.reset();
  ByteWriter out(room);
  write_dl_session(out, session, release);
  return out.written();
}

}  // namespace

std::size_t write_without_marks(MutableBytes out, const GtpuView& view, Release release) noexcept {
  if (!view.ok() || view.extension_count == 0) return 0;
  bool changed = false;
  ByteWriter writer(out);
  writer.bytes(view.message.first(first_type_at));
  for (const Extension& extension : view.extensions()) {
    if (is_set_information(extension.type)) {
      changed = true;
      continue;
    }
    std::array<std::byte, container_content_bytes_max> room{};
    Bytes content = without_burst(extension, release, room);
    changed = changed || !content.empty();
    if (content.empty()) content = extension.content;
    const std::size_t bytes = extension_bytes(content.size());
    writer.u8(extension.type);
    writer.u8(static_cast<std::uint8_t>(bytes / 4));
    writer.bytes(content);
    writer.zeros(bytes - 2 - content.size());
  }
  writer.u8(type_none);
  writer.bytes(view.payload());
  if (!changed || !writer.ok()) return 0;
  put_be16_at(out, length_at, static_cast<std::uint16_t>(writer.position() - header_bytes));
  return writer.position();
}

}  // namespace lobo::gtpu
