#pragma once
// BitRate of TS 29.571 clause 5.5.2: "2 Mbps". Every step is 1000, that of "K" too.

#include <optional>
#include <string>
#include <string_view>

#include "base/quantity.hpp"

namespace lobo::model {

/// Nothing where the text is no bit rate, or one of 2^64 bits a second or more. A fraction of a bit
/// is cut.
std::optional<BitsPerSecond> parse_bit_rate(std::string_view text);

/// In the largest unit that needs no fraction: "1500 Kbps", "2 Mbps", "0 bps".
std::string format_bit_rate(BitsPerSecond rate);

}  // namespace lobo::model
