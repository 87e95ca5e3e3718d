// The readers of pcap and pcapng: whatever the bytes, each step takes something, asks for more or
// ends; what is rewritten can be read again and holds what was put in.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/reader.hpp"
#include "wire/capture/rewriter.hpp"

namespace {

namespace capture = lobo::capture;
using capture::Item;
using capture::Reader;
using lobo::Bytes;

void require_inside(Bytes whole, Bytes part) {
  if (part.empty()) return;
  if (part.data() < whole.data() || part.data() + part.size() > whole.data() + whole.size())
    std::abort();
}

void rewrite_and_read_again(const Reader& before, const Item& item) {
  constexpr std::array<std::byte, 5> other{std::byte{1}, std::byte{2}, std::byte{3}};
  std::vector<std::byte> room(item.raw.size() + other.size() + capture::rewrite_room);
  const auto size = capture::rewrite(item, other, room);
  if (size == 0) return;
  auto again = before;
  const auto step = again.next(Bytes(room).first(size));
  if (step.status != Reader::Status::item || step.size != size) std::abort();
  if (step.item.kind != Item::Kind::packet) std::abort();
  // A simple packet's data is as long as the interface's snap length lets it be.
  if (step.item.packet.bytes.size() > other.size() ||
      !std::ranges::equal(step.item.packet.bytes,
                          std::span(other).first(step.item.packet.bytes.size())))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes file = std::as_bytes(std::span(data, size));
  Reader reader;
  for (std::size_t at = 0; at < file.size();) {
    const Reader before = reader;
    const Bytes rest = file.subspan(at);
    const auto step = reader.next(rest);
    if (step.status == Reader::Status::broken) break;
    if (step.status == Reader::Status::need_more) {
      if (step.size <= rest.size()) std::abort();
      break;
    }
    if (step.size == 0 || step.size > rest.size()) std::abort();
    require_inside(rest, step.item.raw);
    require_inside(step.item.raw, step.item.packet.bytes);
    if (step.item.kind == Item::Kind::packet) rewrite_and_read_again(before, step.item);
    at += step.size;
  }
  return 0;
}
