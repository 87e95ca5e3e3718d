#pragma once
// Gzip with a bound on what comes out, and the container of an application layer measurement
// report: gzip of one QoE report, no larger than RRC carries (TS 38.331, TS 26.247 annex L).

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace lobo::qoe {

inline constexpr std::size_t container_bytes_max = 8'000;      ///< over NR
inline constexpr std::size_t container_bytes_max_lte = 1'000;  ///< over E-UTRA and UTRA

/// One whole gzip member and nothing after it; too_large as soon as more than `bytes_max` come out,
/// so that a bomb costs no more memory than that.
Result<std::string> gunzip(std::string_view octets, std::size_t bytes_max);
std::string gzip(std::string_view text);

/// too_large where the result would not fit: the caller reports less.
Result<std::string> make_container(std::string_view xml,
                                   std::size_t octets_max = container_bytes_max);
/// The XML in it, unread.
Result<std::string> open_container(std::string_view octets,
                                   std::size_t octets_max = container_bytes_max);

}  // namespace lobo::qoe
