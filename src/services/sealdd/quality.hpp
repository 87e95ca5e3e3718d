#pragma once
// Transmission quality measurement (TS 29.548 SDD_TransmissionQualityMeasurement, TS 23.433 clause
// 9.7): the subscription, and what its notifications and reports are made of.

#include <string>
#include <string_view>
#include <vector>

#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"

namespace lobo::sealdd {

inline constexpr std::string_view tqm_root = "/sdd-tqm/v1";
inline constexpr std::string_view quality_kind = "sdd_quality";
inline constexpr std::string_view every_quality = "sdd_quality";
inline constexpr std::size_t quality_assets_max = 256;
inline constexpr std::size_t quality_ues_max = 1000;
inline constexpr std::size_t quality_reqs_max = 32;

class QualityMachine final : public KeptMachine {
 public:
  explicit QualityMachine(const Settings& settings);

 protected:
  Result<void> check(const std::string& text, Instant now) const override;
  Result<void> check_patch(const std::string& body) const override;
};

}  // namespace lobo::sealdd
