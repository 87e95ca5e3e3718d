#pragma once
// The browser of `lobo demo avatars`: tabs in Debian's Chromium, what they say of themselves, and
// pictures of the first.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "demo_avatars/door.hpp"
#include "process.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {

class Tabs {
 public:
  /// `door` outlives it: there the tabs tell.
  Tabs(const AvatarsDoor& door, std::string folder) : door_(door), folder_(std::move(folder)) {}

  /// Alice who draws, Bob and Carol who do not, and later a guest whose UDP is blocked.
  Result<void> open(const std::string& page_url);
  void open_guest() const;
  void shoot() const;
  void end();
  /// Takes what the browser has said since.
  void hear();

  std::size_t shots() const { return shots_; }
  const std::vector<std::string>& errors() const { return errors_; }

  /// What a tab told last; null where it has not.
  const json::Value* told(std::string_view name) const;
  bool up(std::string_view name) const;
  std::string carrier(std::string_view name) const;
  /// A figure as the tab shows it ("delayMs.p50"); below 0 where it shows none.
  double shown(std::string_view name, std::string_view asset, std::string_view figure) const;
  /// That it was told last, 0 where none was; and why it is not the best, in the page's words.
  int tier(std::string_view name) const;
  std::string why(std::string_view name) const;
  /// How many states of an asset it has had.
  double states_seen(std::string_view name, std::string_view asset) const;

 private:
  const AvatarsDoor& door_;
  std::string folder_;
  std::optional<ChildProcess> browser_;
  std::vector<std::string> errors_;
  std::size_t shots_ = 0;
};

}  // namespace lobo::app
