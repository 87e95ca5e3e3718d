#pragma once
// Which step of its ladder an asset is at. Down fast, up slowly: after a bad spell the first good
// window says little.

#include <algorithm>
#include <cstdint>

namespace lobo::sync {

inline constexpr std::int64_t windows_bad_max = 2;    ///< in a row; then a step down
inline constexpr std::int64_t windows_good_min = 10;  ///< in a row; then a step up

struct Tier {
  std::int64_t step = 0;  ///< 0 is the best
  std::int64_t bad = 0;   ///< windows in a row
  std::int64_t good = 0;
  bool operator==(const Tier&) const = default;
};

/// One more window was measured. `lowest` is the last step that may be taken; while `held` none is
/// taken back, because somebody else says that the quality is not there.
constexpr Tier after_window(Tier now, bool bad, std::int64_t lowest, bool held = false) {
  now.bad = bad ? std::min(now.bad + 1, windows_bad_max) : 0;
  // At the top there is nowhere to go: counting on would only be a change of state.
  now.good = bad || held || now.step == 0 ? 0 : now.good + 1;
  if (now.bad >= windows_bad_max && now.step < lowest) return {now.step + 1, 0, 0};
  if (now.good >= windows_good_min) return {now.step - 1, 0, 0};
  return now;
}

}  // namespace lobo::sync
