#include "services/core_sim/faults.hpp"

#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "services/core_sim/config.hpp"

namespace lobo::core_sim {

namespace {

constexpr std::array all_kinds{FaultKind::refuse,
                               FaultKind::never_answer,
                               FaultKind::close_midway,
                               FaultKind::status,
                               FaultKind::redirect,
                               FaultKind::delay,
                               FaultKind::early_callback,
                               FaultKind::allocation_fails,
                               FaultKind::duplicate_callback,
                               FaultKind::reorder_callbacks,
                               FaultKind::drop_callback,
                               FaultKind::delay_callback};

}  // namespace

std::string_view to_string(FaultKind kind) {
  switch (kind) {
    case FaultKind::refuse: return "REFUSE";
    case FaultKind::never_answer: return "NEVER_ANSWER";
    case FaultKind::close_midway: return "CLOSE_MIDWAY";
    case FaultKind::status: return "STATUS";
    case FaultKind::redirect: return "REDIRECT";
    case FaultKind::delay: return "DELAY";
    case FaultKind::early_callback: return "EARLY_CALLBACK";
    case FaultKind::allocation_fails: return "ALLOCATION_FAILS";
    case FaultKind::duplicate_callback: return "DUPLICATE_CALLBACK";
    case FaultKind::reorder_callbacks: return "REORDER_CALLBACKS";
    case FaultKind::drop_callback: return "DROP_CALLBACK";
    case FaultKind::delay_callback: return "DELAY_CALLBACK";
  }
  std::abort();
}

std::optional<FaultKind> fault_kind_from(std::string_view name) {
  for (const auto kind : all_kinds)
    if (to_string(kind) == name) return kind;
  return std::nullopt;
}

bool strikes_callbacks(FaultKind kind) {
  switch (kind) {
    case FaultKind::duplicate_callback:
    case FaultKind::reorder_callbacks:
    case FaultKind::drop_callback:
    case FaultKind::delay_callback: return true;
    case FaultKind::refuse:
    case FaultKind::never_answer:
    case FaultKind::close_midway:
    case FaultKind::status:
    case FaultKind::redirect:
    case FaultKind::delay:
    case FaultKind::early_callback:
    case FaultKind::allocation_fails: return false;
  }
  std::abort();
}

bool performs_by_default(FaultKind kind) {
  switch (kind) {
    case FaultKind::refuse:
    case FaultKind::status:
    case FaultKind::redirect: return false;
    case FaultKind::never_answer:
    case FaultKind::close_midway:
    case FaultKind::delay:
    case FaultKind::early_callback:
    case FaultKind::allocation_fails:
    case FaultKind::duplicate_callback:
    case FaultKind::reorder_callbacks:
    case FaultKind::drop_callback:
    case FaultKind::delay_callback: return true;
  }
  std::abort();
}

bool FaultPlan::add(PlannedFault fault) {
  if (faults_.size() >= faults_max || fault.count == 0) return false;
  faults_.push_back(std::move(fault));
  return true;
}

std::optional<PlannedFault> FaultPlan::strike_request(std::string_view operation) {
  return strike(operation, false);
}

std::optional<PlannedFault> FaultPlan::strike_callback(std::string_view operation) {
  return strike(operation, true);
}

std::optional<PlannedFault> FaultPlan::strike(std::string_view operation, bool callback) {
  for (auto at = faults_.begin(); at != faults_.end(); ++at) {
    if (strikes_callbacks(at->kind) != callback) continue;
    if (!at->operation.empty() && at->operation != operation) continue;
    if (at->skip > 0) {
      --at->skip;
      continue;
    }
    PlannedFault struck = *at;
    if (--at->count == 0) faults_.erase(at);
    return struck;
  }
  return std::nullopt;
}

}  // namespace lobo::core_sim
