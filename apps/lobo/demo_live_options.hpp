#pragma once
// What demos with video on the live path are told on the command line, and the way that they get.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli.hpp"
#include "demo_live_acts.hpp"
#include "demo_live_path.hpp"

namespace lobo::app {

/// --video, --seconds, --rate, --overload, --height, --seed, --memory, --check; --out with this
/// fallback.
std::vector<Option> live_options(std::string_view out);
/// Nothing where one of them is no such thing, which the person has been told.
std::optional<LiveDemoSettings> live_settings(const Arguments& arguments);

/// The network of namespaces, or where it may not be made, and `fallback` says why, memory rings.
Result<std::unique_ptr<LivePath>> live_path(const Arguments& arguments,
                                            const std::string& directory, bool with_edge,
                                            std::string& fallback);

/// Whether an entry of the folder is what an earlier run of such a demo left.
bool left_by_live(std::string_view name);
/// Pictures without loss are large, and the key is of no use to anybody any more.
void clear_live_scratch(const std::string& directory);

}  // namespace lobo::app
