#pragma once
// A capture with other packets in it: item by item, everything else as it was.

#include <cstddef>
#include <cstdint>

#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/bytes.hpp"
#include "toolbox/progress.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/rewriter.hpp"

namespace lobo::app {

/// Writes the item with `changed` in place of its packet; as it was where `changed` is empty or
/// does not fit. True if it was changed.
inline bool write_item(adapters::ByteSink& out, const capture::Item& item, Bytes changed) {
  if (!changed.empty()) {
    const std::size_t room = item.raw.size() + changed.size() + capture::rewrite_room;
    const std::size_t size = capture::rewrite(item, changed, out.room(room));
    if (size != 0) {
      out.commit(size);
      return true;
    }
  }
  out.write(item.raw);
  return false;
}

/// Calls `change(const capture::Packet&) -> Bytes` for each packet: what it becomes, or nothing
/// where it stays. How many became something else.
template <class Change>
std::uint64_t rewrite_capture(adapters::CaptureSource& source, adapters::ByteSink& out,
                              const char* verb, Change&& change) {
  std::uint64_t changed = 0;
  Progress progress(verb);
  while (const auto* item = source.next()) {
    const Bytes bytes = item->kind == capture::Item::Kind::packet ? change(item->packet) : Bytes{};
    if (write_item(out, *item, bytes)) ++changed;
    progress.packet(source);
    if (out.failed()) break;
  }
  return changed;
}

}  // namespace lobo::app
