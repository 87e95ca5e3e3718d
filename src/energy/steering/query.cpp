#include "energy/steering/query.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "energy/steering/plan_file.hpp"
#include "wire/http/url.hpp"

namespace lobo::energy::steering {
namespace {

/// `"SL1,SL2"` with its quotes, or without.
std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    return text.substr(1, text.size() - 2);
  return text;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  text = unquoted(text);
  if (text.empty()) return all;
  for (const auto word : split(text, ',')) {
    if (all.size() == pathways_max) break;
    all.emplace_back(trim(word));
  }
  return all;
}

/// "451754750", or with decimals, as a player's estimate may have them.
std::optional<std::uint64_t> rate_of(std::string_view text) {
  return parse_decimal(text.substr(0, text.find('.')));
}

}  // namespace

SteeringQuery parse_steering_query(std::string_view query) {
  SteeringQuery said;
  std::vector<std::string> pathways;
  std::vector<std::string> rates;
  query = query.substr(0, query_bytes_max);
  std::size_t count = 0;
  for (const auto pair : split(query, '&')) {
    if (++count > query_words_max) break;
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const auto name = pair.substr(0, equals);
    auto value = http::percent_decode(pair.substr(equals + 1));
    if (!value) continue;
    if (name == "t")
      said.token = std::move(*value);
    else if (name == "g" && is_group_id(*value))
      said.group = std::move(*value);
    else if (name == "s")
      said.session = std::move(*value);
    else if (name == "p")
      said.manifest = words(*value);
    else if (name == "_DASH_pathway" || name == "_HLS_pathway")
      pathways = words(*value);
    else if (name == "_DASH_throughput" || name == "_HLS_throughput") {
      rates.clear();
      for (const auto rate : split(unquoted(*value), ','))
        if (rates.size() < pathways_max) rates.emplace_back(trim(rate));
    }
  }
  std::erase_if(said.manifest, [](const std::string& id) { return !is_location_id(id); });
  said.measured = !pathways.empty() && pathways.size() == rates.size();
  for (std::size_t i = 0; i < pathways.size(); ++i) {
    if (!is_location_id(pathways[i])) continue;
    said.heard.push_back({pathways[i], said.measured ? rate_of(rates[i]) : std::nullopt});
  }
  return said;
}

}  // namespace lobo::energy::steering
