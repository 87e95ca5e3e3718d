// A PFCP message: what is read is gone through, written, and then says the same.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "support/pfcp_any.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"

namespace lobo::pfcp {
namespace {

constexpr std::size_t bundled_max = 64;

template <class Message>
std::vector<std::byte> written(const MessageView& view, const Message& message) {
  // Masks that came short are written in full, so there may be more of it than there was.
  std::vector<std::byte> room(message_bytes_max);
  room.resize(write_message(room, view.envelope, message));
  return room;
}

template <class Message>
void check(const MessageView& view) {
  Remarks remarks;
  const auto message = read_message<Message>(view, remarks);
  if (!message) {
    (void)to_string(message.error().cause);
    (void)offending_ie_of(message.error());
    return;
  }
  const auto first = written(view, *message);
  if (first.empty()) return;
  const MessageView again = parse_message(first);
  require(again.ok() && again.envelope == view.envelope);
  Remarks none;
  const auto back = read_message<Message>(again, none);
  require(back.has_value() && none == Remarks{});
  // What a filter has that was not read is not written; from here on nothing gets lost.
  const auto second = written(again, *back);
  require(second == first);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes left = std::as_bytes(std::span(data, size));
  for (std::size_t i = 0; i < bundled_max; ++i) {
    const MessageView view = parse_message(left);
    (void)to_string(view.fault);
    if (!view.ok()) return 0;
    require(view.ies.size() + view.behind.size() < left.size());
    (void)find_f_seid(view);
    test::each_pfcp_message([&]<class Message>() {
      if (view.type == Message::type) check<Message>(view);
    });
    if (!view.follow_on) return 0;
    left = view.behind;
  }
  return 0;
}

}  // namespace lobo::pfcp
