#pragma once
// Which header extension an identifier stands for. SDP (a=extmap) or the core's Protocol
// Description binds identifiers 1 to 255 to names; a name comes with its reader, so that an
// extension of a later release is one entry more.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"

namespace lobo::rtp {

inline constexpr std::size_t extension_types_max = 16;

/// Reads one element's value into the mark; false if that value cannot be.
using ReadExtension = bool (*)(Bytes value, PduSetMark& mark);

enum class MarkFrom : std::uint8_t {
  marked,             ///< at least one bound element was read
  not_rtp,            ///< see NotRtp
  no_extension,       ///< no one- or two-byte extension
  no_element,         ///< none with a bound identifier
  bad_value,          ///< a bound element of a length that its type does not have
  damaged_extension,  ///< elements lead beyond the extension, and none was bound before that
};
constexpr std::string_view to_string(MarkFrom from) {
  switch (from) {
    case MarkFrom::marked: return "marked";
    case MarkFrom::not_rtp: return "not_rtp";
    case MarkFrom::no_extension: return "no_extension";
    case MarkFrom::no_element: return "no_element";
    case MarkFrom::bad_value: return "bad_value";
    case MarkFrom::damaged_extension: return "damaged_extension";
  }
  std::abort();
}

class ExtensionRegistry {
 public:
  /// Knows the PDU Set marking of Rel-18 by name; nothing is bound.
  ExtensionRegistry();

  /// Makes a name known. False if it is known already or the table is full.
  bool add(std::string_view urn, ReadExtension reader);
  /// Identifier 15 cannot be used in the one-byte form. False for 0 and for an unknown name; an
  /// identifier that is bound already is bound anew.
  bool bind(std::uint8_t id, std::string_view urn);
  void unbind(std::uint8_t id);
  std::optional<std::string_view> urn_of(std::uint8_t id) const;

  /// Reads every bound element of the packet into `mark`, of a lone binding the first that has it.
  /// `mark` holds only with MarkFrom::marked and had default values before. Cost target: 10 ns for
  /// parse_rtp() and this with one element.
  MarkFrom read(const RtpView& view, PduSetMark& mark) const noexcept;

 private:
  struct Type {
    std::string urn;
    ReadExtension read = nullptr;
  };
  void note_bindings();

  std::array<Type, extension_types_max> types_;
  std::size_t type_count_ = 0;
  std::size_t bound_count_ = 0;
  std::array<std::uint8_t, 256> type_of_{};  // index + 1; 0 is unbound
  // The octet before a whole PDU Set marking in the one-byte form, where that is all that is bound;
  // else 0, which is padding there.
  std::uint8_t usual_first_ = 0;
};

// Inlined always: a loop over a batch then keeps of the view what is asked of it here, and stores
// none of it. That is a third of the instructions; the compiler alone finds it too large.
[[gnu::always_inline]] inline MarkFrom ExtensionRegistry::read(const RtpView& view,
                                                               PduSetMark& mark) const noexcept {
  if (!view.ok()) return MarkFrom::not_rtp;
  if (view.form == Form::none || view.form == Form::other) return MarkFrom::no_extension;
  const Bytes in = view.elements();
  if (view.form == Form::one_byte && in.size() > pdu_set_marking_bytes_max &&
      u8_at(in, 0) == usual_first_ && usual_first_ != 0) {
    // What nearly every marked packet has: no loop, a third of the instructions less.
    (void)read_pdu_set_marking(in.subspan(1, pdu_set_marking_bytes_max), mark);
    return MarkFrom::marked;
  }
  bool any = false;
  Elements elements(in, view.form);
  while (const auto element = elements.next()) {
    const std::uint8_t type = type_of_[element->id];
    if (type == 0) continue;
    if (!types_[type - std::size_t{1}].read(element->value, mark)) return MarkFrom::bad_value;
    if (bound_count_ == 1) return MarkFrom::marked;  // nothing else is looked for
    any = true;
  }
  if (!any) return elements.damaged() ? MarkFrom::damaged_extension : MarkFrom::no_element;
  return MarkFrom::marked;
}

}  // namespace lobo::rtp
