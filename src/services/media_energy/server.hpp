#pragma once
// An application server that reports energy (E3, steps 3, 4 and 30): kind "media_as". The
// registration is stored; reports are observed and never committed.

#include <string_view>

#include "services/media_energy/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::media_energy {

class Eiaf;

inline constexpr std::string_view server_kind = "media_as";
inline constexpr std::string_view every_server = "media_as";

class ServerMachine final : public resource::Machine {
 public:
  /// Both outlive it.
  ServerMachine(const Settings& settings, const Eiaf& eiaf) : settings_(settings), eiaf_(eiaf) {}

  std::string_view kind() const override { return server_kind; }
  /// Observe "server": the state, empty when it is gone. Observe "reports": AsEnergyReports.
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  const Eiaf& eiaf_;
};

}  // namespace lobo::media_energy
