#pragma once
// What `lobo energy ue` is told, as plain values.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "energy/client/media_session.hpp"

namespace lobo::app {

inline constexpr std::size_t ues_max = 100'000;
inline constexpr std::size_t samples_max = 100'000;  ///< of latency, kept for the quantiles

/// By what a session is moved.
enum class Moves : std::uint8_t {
  pushed,  ///< recommendations on E5
  polled,  ///< content steering, as an unmodified player has it
};

struct EnergyUeConfig {
  energy::client::SessionSettings session;  ///< its name gets a number for each UE
  std::size_t count = 1;
  energy::client::Choice choice = energy::client::Choice::priority;
  Moves moves = Moves::pushed;
  std::string segments;  ///< below a base URL, "%d" or "%05d" for the number; empty: no media
  std::uint32_t first = 1, last = 0xFFFFFFFF;
  std::chrono::milliseconds segment{2000};
  std::chrono::milliseconds start_within{1000};  ///< UEs begin spread over it
  std::optional<energy::client::UeEnergyState> energy;
  std::string cell_url;  ///< of the simulated network's UE that all of them are; empty: no cell
};

}  // namespace lobo::app
