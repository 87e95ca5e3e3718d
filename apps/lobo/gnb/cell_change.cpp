#include "gnb/cell_change.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/set_queue.hpp"
#include "model/bit_rate.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

using dataplane::CellScheduler;

constexpr std::array schedulers{CellScheduler::by_flow, CellScheduler::plain};

template <class Among, class E>
bool choose(const Among& among, std::string_view word, std::optional<E>& out) {
  const auto found =
      std::ranges::find_if(among, [word](const E one) { return to_string(one) == word; });
  if (found != among.end()) out = *found;
  return found != among.end();
}

bool choose_rate(std::string_view word, std::optional<BitsPerSecond>& out) {
  out = model::parse_bit_rate(word);
  return out && *out >= dataplane::cell_rate_min && *out <= dataplane::cell_rate_max;
}

}  // namespace

Result<CellChange> read_cell_change(std::string_view body) {
  const auto value = json::parse(body);
  if (!value) return fail(value.error());
  const auto* members = value->object();
  if (members == nullptr || members->empty())
    return fail(Errc::malformed, "an object with rate, scheduler or policy is wanted");
  CellChange change;
  std::vector<Fault> faults;
  for (const auto& [name, held] : *members) {
    const std::string where = "/" + name;
    const auto* word = held.text();
    if (name != "rate" && name != "scheduler" && name != "policy")
      faults.push_back({Errc::not_allowed, where, "known are rate, scheduler, policy"});
    else if (word == nullptr)
      faults.push_back({Errc::wrong_type, where, "must be a string"});
    else if (name == "rate" && !choose_rate(*word, change.rate))
      faults.push_back({Errc::out_of_range, where, "must be a bit rate from 1 Kbps to 1 Tbps"});
    else if (name == "scheduler" && !choose(schedulers, *word, change.scheduler))
      faults.push_back({Errc::not_allowed, where, "must be by_flow or plain"});
    else if (name == "policy" && !choose(dataplane::policies, *word, change.policy))
      faults.push_back({Errc::not_allowed, where, "must be taildrop, psihi, evict or threshold"});
  }
  if (!faults.empty()) {
    const Errc first = faults.front().code;
    return fail(first, "the cell cannot be changed so", std::move(faults));
  }
  return change;
}

}  // namespace lobo::app
