#include "wire/rtp/annexb.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "base/bytes.hpp"

namespace lobo::rtp {

AnnexBReader::AnnexBReader(Bytes stream) : stream_(stream), at_(start_code_after(0)) {
  at_ = std::min(at_ + 3, stream_.size());
}

/// Where the next 00 00 01 begins at or after `from`; the end where there is none.
std::size_t AnnexBReader::start_code_after(std::size_t from) const {
  for (std::size_t i = from; i + 3 <= stream_.size(); ++i)
    if (stream_[i] == std::byte{0} && stream_[i + 1] == std::byte{0} &&
        stream_[i + 2] == std::byte{1})
      return i;
  return stream_.size();
}

std::optional<Bytes> AnnexBReader::next() {
  while (at_ < stream_.size()) {
    const std::size_t end = start_code_after(at_);
    Bytes unit = stream_.subspan(at_, end - at_);
    at_ = std::min(end + 3, stream_.size());
    while (!unit.empty() && unit.back() == std::byte{0}) unit = unit.first(unit.size() - 1);
    if (!unit.empty()) return unit;
  }
  return std::nullopt;
}

}  // namespace lobo::rtp
