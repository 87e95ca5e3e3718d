#include "adapters/webtransport/tlv.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "adapters/webtransport/varint.hpp"
#include "base/bytes.hpp"

namespace lobo::adapters::webtransport {

Checked TlvReader::feed(Bytes in, TlvVisitor& visitor) {
  for (;;) {
    if (state_ == State::head) {
      // Octet by octet: heads are short, and what follows one is not ours to take yet.
      const auto type = read_varint(head_);
      const auto length = type ? read_varint(Bytes(head_).subspan(type->octets)) : type;
      if (!length) {
        if (in.empty()) return {};
        head_.push_back(in.front());
        in = in.subspan(1);
        continue;
      }
      type_ = type->value;
      left_ = length->value;
      head_.clear();
      value_.clear();
      const auto want = visitor.begin(type_);
      if (!want) return tl::unexpected<Fault>(want.error());
      want_ = *want;
      if (want_ == Want::whole && left_ > visitor.whole_bytes_max())
        return fault(H3::excessive_load, "a frame is longer than any that is understood");
      state_ = State::value;
    }
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
    const Bytes now = in.first(take);
    in = in.subspan(take);
    left_ -= take;
    if (want_ == Want::whole) value_.insert(value_.end(), now.begin(), now.end());
    if (want_ == Want::pieces && !now.empty())
      if (auto taken = visitor.piece(type_, now); !taken) return taken;
    if (left_ > 0) return {};
    state_ = State::head;
    if (want_ == Want::whole)
      if (auto taken = visitor.whole(type_, value_); !taken) return taken;
  }
}

}  // namespace lobo::adapters::webtransport
