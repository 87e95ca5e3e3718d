#pragma once
// Putting an element into the header extension of an RTP packet, or taking it out. The payload
// moves, so the packet is written anew; a value of the same length can be put in its place.
// What SRTP authenticates is changed by this: it is for packets whose keys the caller has, or that
// have none.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/rtp/packet.hpp"

namespace lobo::rtp {

/// TS 26.522 with RFC 8285 clause 4.1.2: all elements of a packet share one form, and packets of
/// one stream do too unless a=extmap-allow-mixed was negotiated.
struct FormRules {
  Form preferred = Form::one_byte;  ///< where the packet has no extension yet
  bool allow_mixed = false;         ///< one-byte elements may become two-byte ones
};

enum class NotWritten : std::uint8_t {
  not_rtp,
  other_profile,      ///< the packet has an extension that is not of RFC 8285
  damaged_extension,  ///< its elements lead beyond it
  bad_identifier,     ///< 0, or 15 in the one-byte form without allow_mixed
  form,               ///< the element needs the two-byte form, which the rules forbid
  value_length,       ///< beyond 255 bytes
  no_room,            ///< the writer's buffer, or the extension's length field, is too short
  no_such_element,
};
constexpr std::string_view to_string(NotWritten reason) {
  switch (reason) {
    case NotWritten::not_rtp: return "not_rtp";
    case NotWritten::other_profile: return "other_profile";
    case NotWritten::damaged_extension: return "damaged_extension";
    case NotWritten::bad_identifier: return "bad_identifier";
    case NotWritten::form: return "form";
    case NotWritten::value_length: return "value_length";
    case NotWritten::no_room: return "no_room";
    case NotWritten::no_such_element: return "no_such_element";
  }
  std::abort();
}
/// Bytes of the new packet.
using Written = tl::expected<std::size_t, NotWritten>;

/// Writes the packet of `view` with `element` in it: in the place of the first one with its
/// identifier (later ones with it are left out), else behind all others. `out` may not overlap.
Written write_with_element(MutableBytes out, const RtpView& view, const Element& element,
                           const FormRules& rules) noexcept;

/// Writes the packet without the elements of that identifier; without any element left, without the
/// extension.
Written write_without_element(MutableBytes out, const RtpView& view, std::uint8_t id) noexcept;

/// Overwrites the value of the first element with that identifier, of the same length. `packet`
/// holds the packet of `view`.
bool replace_value(MutableBytes packet, const RtpView& view, std::uint8_t id, Bytes value) noexcept;

}  // namespace lobo::rtp
