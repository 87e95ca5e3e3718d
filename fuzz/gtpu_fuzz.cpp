// A GTP-U message with its chain; containers that are read are written again, and then say the
// same.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/edit.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::gtpu {
namespace {

void check_containers(const GtpuView& view) {
  std::array<std::byte, 64> room{};
  if (const Extension* found = view.find(type_pdu_session_container)) {
    DlSession dl;
    if (read_dl_session(found->content, Release::rel19, dl) == NotContainer::it_is) {
      ByteWriter out(room);
      write_dl_session(out, dl, Release::rel19);
      DlSession again;
      require(read_dl_session(out.written(), Release::rel19, again) == NotContainer::it_is);
      require(again == dl);
    }
    const ContainerRules rules{.release = Release::rel19, .uplink_reports = true};
    UlSession ul;
    if (read_ul_session(found->content, rules, ul) == NotContainer::it_is) {
      ByteWriter out(room);
      write_ul_session(out, ul, Release::rel19);
      UlSession again;
      require(read_ul_session(out.written(), rules, again) == NotContainer::it_is);
      require(again == ul);
    }
  }
  if (const Extension* found = view.find_pdu_set_information()) {
    PduSetInformation set;
    if (read_pdu_set_information(found->content, set) != NotContainer::it_is) return;
    ByteWriter out(room);
    write_pdu_set_information(out, set.qfi, set.mark);
    PduSetInformation again;
    require(read_pdu_set_information(out.written(), again) == NotContainer::it_is);
    require(again.mark == set.mark && again.qfi == set.qfi);
  }
}

/// What is left without marks is a message with the same user's packet, and has none.
void check_without_marks(const GtpuView& view) {
  std::vector<std::byte> room(view.message.size());
  const auto size = write_without_marks(room, view, Release::rel19);
  if (size == 0) return;
  const GtpuView left = parse_gtpu(Bytes(room).first(size));
  require(left.ok() && left.find_pdu_set_information() == nullptr);
  require(std::ranges::equal(left.payload(), view.payload()));
  std::vector<std::byte> again(size);
  require(write_without_marks(again, left, Release::rel19) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const GtpuView view = parse_gtpu(std::as_bytes(std::span(data, size)));
  (void)to_string(view.fault);
  if (!view.ok()) return 0;
  require(view.payload_at <= view.message.size() && view.message.size() <= size);
  check_containers(view);
  check_without_marks(view);
  const Bytes payload = view.payload();
  std::vector<std::byte> buffer(size + 64);
  std::copy(payload.begin(), payload.end(),
            buffer.end() - static_cast<std::ptrdiff_t>(payload.size()));
  const auto begin =
      encapsulate(buffer, buffer.size() - payload.size(), view.teid, view.extensions());
  require(begin.has_value());
  const GtpuView again = parse_gtpu(Bytes(buffer).subspan(*begin));
  require(again.ok() && again.extension_count == view.extension_count);
  require(again.payload().size() == payload.size());
  return 0;
}

}  // namespace lobo::gtpu
