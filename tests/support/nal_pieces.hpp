#pragma once
// The NAL unit pieces of one RTP payload, kept to be looked at.

#include <cstddef>
#include <tl/expected.hpp>
#include <vector>

#include "wire/rtp/nal_unit.hpp"

namespace lobo::test {

struct NalPieces {
  tl::expected<rtp::PayloadForm, rtp::PayloadFault> form;
  std::vector<rtp::NalPiece> pieces;
};

/// `for_each_nal` is that of a payload format. The pieces borrow the payload.
template <class ForEachNal>
NalPieces nal_pieces(const std::vector<std::byte>& payload, ForEachNal&& for_each_nal) {
  NalPieces out;
  out.form =
      for_each_nal(payload, [&](const rtp::NalPiece& piece) { out.pieces.push_back(piece); });
  return out;
}

}  // namespace lobo::test
