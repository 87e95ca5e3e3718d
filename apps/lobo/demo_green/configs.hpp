#pragma once
// Ports and configuration files of `lobo demo green`.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lobo::app {

/// The players, below node_modules.
inline constexpr std::array<std::string_view, 3> green_scripts{
    "dashjs/dist/modern/umd/dash.all.min.js", "hls.js/dist/hls.min.js",
    "shaka-player/dist/shaka-player.compiled.js"};
/// Why no player can be shown here; empty where they can.
std::string no_browser(const std::string& players);

std::string address_of(std::size_t place);
/// Free on the page's address and on those of the three places; 0 where none is.
std::uint16_t free_port();
/// Three places on one port and the page; a place that is asleep serves nobody.
std::string nginx_text(const std::string& folder, std::uint16_t port, std::uint16_t state_port);
std::string af_text(const std::string& folder);
std::string agent_text(const std::string& folder, const std::string& af, std::size_t place,
                       std::uint16_t port);
/// What the provider says on M1.
inline constexpr std::string_view exposure_text =
    R"({"recipients":["ASP","EIC","APPLICATION"],"parameters":["energyConsumptionValue","carbon",)"
    R"("energyCharacteristics"]})";
std::string hosting_text(std::uint16_t port);
std::string policy_text(std::uint16_t sink_port);

}  // namespace lobo::app
