#pragma once
// Writes an item of a capture with other packet bytes: everything else of it (time, interface,
// comments, byte order) stays as it was, so that undoing a change gives the same file again.

#include <cstddef>

#include "base/bytes.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::capture {

/// More than any packet item grows by its frame, options of its block not counted.
inline constexpr std::size_t rewrite_room = 64;

/// The item with `bytes` in place of its packet's, written to `out`, which must have room for
/// item.raw.size() + bytes.size() + rewrite_room. The length on the wire changes by what the bytes
/// did. Returns how many bytes were written; 0 if the item cannot hold them.
std::size_t rewrite(const Item& item, Bytes bytes, MutableBytes out);

}  // namespace lobo::capture
