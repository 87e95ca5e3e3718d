#include "wire/qoe/configuration.hpp"

#include <chrono>
#include <cstdint>
#include <pugixml.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/qoe/report.hpp"
#include "wire/qoe/survey.hpp"

namespace lobo::qoe {
namespace {

constexpr std::string_view root_name = "QoeConfiguration";

tl::unexpected<Error> blame(Errc code, const std::string& where, std::string why) {
  return fail(code, "the QoE configuration is not as it should be",
              {{code, where, std::move(why)}});
}

}  // namespace

Result<QoeConfiguration> read_configuration(std::string_view xml) {
  if (xml.size() > configuration_bytes_max)
    return fail(Errc::too_large, "the QoE configuration is too large");
  pugi::xml_document document;
  if (auto surveyed = load_surveyed(document, xml); !surveyed)
    return fail(std::move(surveyed.error()));
  const auto root = document.document_element();
  if (local_name(root.name()) != root_name)
    return blame(Errc::not_allowed, "/", "must be a QoeConfiguration");
  const std::string at = "/QoeConfiguration/";
  QoeConfiguration out;
  const auto interval = parse_decimal(trim(root.attribute("reportingInterval").value()));
  if (!interval || *interval == 0 ||
      *interval > static_cast<std::uint64_t>(reporting_interval_max.count()))
    return blame(Errc::out_of_range, at + "reportingInterval",
                 "must be whole seconds, 1 to " + std::to_string(reporting_interval_max.count()));
  out.reporting_interval = std::chrono::seconds{static_cast<std::int64_t>(*interval)};
  for (const auto node : root.children()) {
    if (local_name(node.name()) != "Metric") continue;
    const auto here = at + "Metric/" + std::to_string(out.metrics.size());
    if (out.metrics.size() >= configured_metrics_max)
      return blame(Errc::too_large, here, "too many metrics");
    const std::string_view name = node.attribute("name").value();
    if (name.empty() || name.size() > name_bytes_max || !is_printable(name))
      return blame(Errc::pattern, here + "/name", "must name a metric");
    out.metrics.emplace_back(name);
  }
  return out;
}

std::string write_configuration(const QoeConfiguration& configuration) {
  pugi::xml_document document;
  auto root = document.append_child(root_name.data());
  root.append_attribute("reportingInterval")
      .set_value(std::to_string(configuration.reporting_interval.count()).c_str());
  for (const auto& metric : configuration.metrics)
    root.append_child("Metric").append_attribute("name").set_value(metric.c_str());
  std::ostringstream out;
  document.save(out, "", pugi::format_raw, pugi::encoding_utf8);
  return std::move(out).str();
}

}  // namespace lobo::qoe
