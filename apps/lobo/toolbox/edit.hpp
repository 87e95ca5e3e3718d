#pragma once
// A captured packet with other user data, or with another user's packet in its tunnel: lengths and
// checksums follow by the difference, so that what was wrong stays wrong and what is undone is as
// it was. Padding of the link behind the packet stays.

#include <cstddef>
#include <vector>

#include "base/bytes.hpp"
#include "toolbox/layers.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::app {

/// The largest IP packet, and room for any link header and padding.
inline constexpr std::size_t frame_room = 65535 + 1024;

/// Writes the frame of `view`, a whole UDP datagram, with `user_data` in it. Its length; 0 if a
/// length field cannot tell it, or if a surplus area would lose its alignment.
std::size_t with_user_data(MutableBytes out, const packet::PacketView& view, Bytes user_data);

/// Writes the frame of `view` up to the end of its IP packet as `change` makes it, then what the
/// link padded. `change(MutableBytes buffer) -> new length, or 0` gets a buffer that begins with
/// the frame.
template <class Change>
std::size_t with_padding_kept(MutableBytes out, const packet::PacketView& view, Change&& change) {
  const Bytes padding = view.frame.subspan(view.ip_end);
  ByteWriter copy(out);
  copy.bytes(view.frame);
  if (!copy.ok()) return 0;
  const std::size_t size = change(out);
  if (size == 0 || padding.size() > out.size() - size) return 0;
  ByteWriter behind(out.subspan(size));
  behind.bytes(padding);
  return size + padding.size();
}

/// Changes the user's packet of what was captured, in its tunnel or outside of one.
class InnerEditor {
 public:
  InnerEditor() : inner_(frame_room), message_(frame_room) {}

  /// `change(MutableBytes out, const packet::PacketView& inner) -> length, or 0 to leave it`.
  /// Writes the whole frame to `out`; its length, or 0 if nothing was changed.
  template <class Change>
  std::size_t edit(MutableBytes out, const Layers& layers, Change&& change) {
    if (!layers.tunnelled) return change(out, layers.inner);
    const std::size_t size = change(MutableBytes(inner_), layers.inner);
    return size == 0 ? 0 : tunnelled(out, layers, Bytes(inner_).first(size));
  }

  /// Writes the frame without what its tunnel says of PDU Sets; its length, or 0 if it says
  /// nothing.
  std::size_t without_containers(MutableBytes out, const Layers& layers);

 private:
  std::size_t tunnelled(MutableBytes out, const Layers& layers, Bytes inner);
  /// The message in `message_`, of `size` bytes, in place of that of `layers`.
  std::size_t with_message(MutableBytes out, const Layers& layers, std::size_t size);

  std::vector<std::byte> inner_;
  std::vector<std::byte> message_;
};

}  // namespace lobo::app
