#include "services/core_sim/kpi.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/net_control.hpp"
#include "api/oam_files.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "model/date_time.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/kpi_meter.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/pm/measurement_file.hpp"

namespace lobo::core_sim {

namespace files = api::oam_files;
namespace view_of = api::net_control;

namespace {

constexpr std::string_view base = "/3GPPManagement/fileDataReportingMnS/v1800";
constexpr std::string_view network_dn = "SubNetwork=netsim";
constexpr std::string_view file_type = "Performance";
constexpr double joules_per_kwh = 3.6e6;
constexpr double bits_per_mbit = 1e6;
constexpr double bits_per_octet = 8;

std::string object_dn(const std::string& cell) {
  return "SubNetwork=netsim,ManagedElement=netsim,NRCellDU=" + cell;
}

std::string name_of(const KpiPeriod& period) {
  return pm::file_name(period.begin, period.end, "netsim");
}

tl::unexpected<Refusal> wrong(const std::string& where, const std::string& why) {
  return refuse(Errc::pattern, "The question is not understood.", {{Errc::pattern, where, why}});
}

}  // namespace

bool Kpis::serves(std::string_view operation) {
  return operation == files::operation::list_measurement_files ||
         operation == files::operation::read_measurement_file ||
         operation == files::operation::subscribe_measurement_files ||
         operation == files::operation::unsubscribe_measurement_files ||
         operation == view_of::operation::read_net_kpis;
}

Answer Kpis::handle(const Call& call) {
  if (!meter_.enabled())
    return refuse(Errc::not_found,
                  "No cell has a power model: give cells `power: {idle_w: …, max_w: …}`.");
  const auto id = call.operation.id;
  if (id == files::operation::list_measurement_files) return list(call);
  if (id == files::operation::read_measurement_file) return read(call.param("fileName"));
  if (id == files::operation::subscribe_measurement_files) return subscribe(call);
  if (id == files::operation::unsubscribe_measurement_files) return unsubscribe(call);
  return view(call);
}

// ---- measuring --------------------------------------------------------------------------------

void Kpis::advance(Instant now) {
  if (!meter_.enabled()) return;
  std::vector<CellLoad> loads(net_.world.cell_count());
  for (std::size_t i = 0; i < loads.size(); ++i) {
    const auto used = net_.admission.used(i).dl.count;
    const auto all = net_.admission.capacity(i).dl.count;
    loads[i].share = all > 0    ? static_cast<double>(used) / static_cast<double>(all)
                     : used > 0 ? 1
                                : 0;
    const auto& told = net_.world.carried_in(i);
    loads[i].octets_dl = told.octets;
    loads[i].ran_reports = told.reports;
  }
  const auto ended = meter_.advance(now, loads);
  const auto& periods = meter_.periods();
  const auto fresh = static_cast<std::ptrdiff_t>(std::min(ended, periods.size()));
  for (auto one = periods.end() - fresh; one != periods.end(); ++one) announce(*one, now);
}

void Kpis::announce(const KpiPeriod& period, Instant now) {
  if (subscriptions_.empty()) return;
  files::NotifyFileReady told;
  told.href = net_.config.api_root + std::string(base);
  told.notification_type = files::FileNotificationType::notify_file_ready;
  told.event_time = period.end;
  told.system_dn = std::string(network_dn);
  told.file_info_list = {info_of(period)};
  for (const auto& [id, one] : subscriptions_) {
    told.notification_id = ++notifications_;
    net_.callbacks.push(one.number, one.consumer, file_ready_notification, json::write(told), now,
                        now);
  }
}

// ---- files ------------------------------------------------------------------------------------

std::string Kpis::text_of(const KpiPeriod& period) const {
  pm::MeasurementFile file{.sender = std::string(network_dn),
                           .vendor = "Lobodon (simulated)",
                           .info_id = "energy",
                           .begin = period.begin,
                           .end = period.end,
                           .granularity = net_.config.granularity_period,
                           .suspect = period.suspect,
                           .measurements = {"PEE.AvgPower", "PEE.MinPower", "PEE.MaxPower",
                                            "PEE.Energy", "DRB.PdcpSduVolumeDL"},
                           .objects = {}};
  for (std::size_t i = 0; i < period.cells.size(); ++i) {
    const auto& cell = period.cells[i];
    const auto of_power = [&](double CellKpis::Power::* member, double per = 1) {
      return cell.power ? std::optional(*cell.power.*member / per) : std::nullopt;
    };
    std::optional<double> mbit;  // TS 28.552 clause 5.1.2.1.1.1: whole ones
    if (cell.octets_dl)
      mbit = std::round(static_cast<double>(*cell.octets_dl) * bits_per_octet / bits_per_mbit);
    file.objects.push_back({object_dn(net_.world.cell(i).name),
                            {of_power(&CellKpis::Power::avg_w), of_power(&CellKpis::Power::min_w),
                             of_power(&CellKpis::Power::max_w),
                             of_power(&CellKpis::Power::joules, joules_per_kwh), mbit}});
  }
  return pm::write_file(file);
}

files::FileInfo Kpis::info_of(const KpiPeriod& period) const {
  files::FileInfo info;
  info.file_location =
      net_.config.api_root + std::string(base) + "/files/" + http::percent_encode(name_of(period));
  info.file_size = static_cast<std::int64_t>(text_of(period).size());
  info.file_ready_time = period.end;
  info.file_expiration_time =
      period.end + static_cast<std::int64_t>(kpi_periods_max) * net_.config.granularity_period;
  info.file_format = "XML";
  info.file_data_type = files::FileDataType::performance;
  return info;
}

Answer Kpis::list(const Call& call) const {
  const auto asked = http::parse_query(http::split_target(call.request.target).query);
  if (!asked) return refuse(asked.error());
  std::optional<Instant> from, to;
  std::optional<std::string_view> type;
  for (const auto& [name, value] : *asked) {
    if (name == "fileDataType") type = value;
    if (name != "beginTime" && name != "endTime") continue;
    const auto at = model::parse_date_time(value);
    if (!at) return wrong("query:" + name, "must be a date-time");
    (name == "beginTime" ? from : to) = *at;
  }
  if (!type)
    return refuse(Errc::missing, "The question is not complete.",
                  {{Errc::missing, "query:fileDataType", "is required"}});
  if (*type != file_type && *type != "Trace" && *type != "Analytics" && *type != "Proprietary")
    return wrong("query:fileDataType", "is none of Performance, Trace, Analytics, Proprietary");
  std::string all = "[";
  for (const auto& period : meter_.periods()) {
    if (*type != file_type || (from && period.end < *from) || (to && period.end > *to)) continue;
    if (all.size() > 1) all += ',';
    all += json::write(info_of(period));
  }
  return json_response(200, all + ']');
}

Answer Kpis::read(std::string_view name) const {
  for (const auto& period : meter_.periods())
    if (name_of(period) == name)
      return http::Response{
          200,
          {{"content-type", "application/xml"}, {std::string(simulated_header), "netsim"}},
          text_of(period)};
  return refuse(Errc::not_found, "There is no such file, or no more.");
}

// ---- subscriptions ----------------------------------------------------------------------------

Answer Kpis::subscribe(const Call& call) {
  const auto body = read_body<files::FileSubscription>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  if (!is_callback_uri(body->consumer_reference))
    return refuse(Errc::pattern, "Nobody can be told.",
                  {{Errc::pattern, "/consumerReference", "must be an absolute http(s) URI"}});
  for (const auto& [given, member] : {std::pair{body->time_tick.has_value(), "/timeTick"},
                                      std::pair{body->filter.has_value(), "/filter"}})
    if (given)
      return refuse(Errc::not_allowed, "Not everything of a subscription is served.",
                    {{Errc::not_allowed, member, "is not served: leave it out"}});
  if (subscriptions_.size() >= file_subscriptions_max)
    return refuse(Errc::too_many, "There are as many subscriptions as may be.");
  const auto number = net_.next_number++;
  const auto id = std::to_string(number);
  subscriptions_.emplace(id, Subscription{number, body->consumer_reference});
  auto answer = json_answer(201, *body);
  answer.headers.add("location", net_.config.api_root + std::string(base) + "/subscriptions/" + id);
  return answer;
}

Answer Kpis::unsubscribe(const Call& call) {
  const auto found = subscriptions_.find(call.param("subscriptionId"));
  if (found == subscriptions_.end())
    return refuse(Errc::not_found, "There is no such subscription.");
  net_.callbacks.drop(found->second.number);
  subscriptions_.erase(found);
  return http::Response{204, {{std::string(simulated_header), "netsim"}}, {}};
}

// ---- for people -------------------------------------------------------------------------------

Answer Kpis::view(const Call& call) const {
  const auto asked = http::parse_query(http::split_target(call.request.target).query);
  if (!asked) return refuse(asked.error());
  std::size_t wanted = 1;
  for (const auto& [name, value] : *asked) {
    if (name != "periods") continue;
    const auto count = parse_decimal(value);
    if (!count || *count < 1 || *count > kpi_periods_max)
      return wrong("query:periods", "must be 1 to " + std::to_string(kpi_periods_max));
    wanted = *count;
  }
  const auto& all = meter_.periods();
  view_of::NetKpis out;
  out.granularity_period = net_.config.granularity_period.count();
  for (std::size_t i = all.size() - std::min(wanted, all.size()); i < all.size(); ++i) {
    view_of::NetKpiPeriod period;
    period.begin = all[i].begin;
    period.end = all[i].end;
    period.suspect = all[i].suspect;
    period.energy_efficiency = all[i].efficiency();
    for (std::size_t k = 0; k < all[i].cells.size(); ++k) {
      const auto& cell = all[i].cells[k];
      view_of::NetCellKpis shown;
      shown.cell = net_.world.cell(k).name;
      if (cell.power) {
        shown.avg_power = cell.power->avg_w;
        shown.min_power = cell.power->min_w;
        shown.max_power = cell.power->max_w;
        shown.energy_j = cell.power->joules;
      }
      if (cell.octets_dl) shown.octets_dl = static_cast<std::int64_t>(*cell.octets_dl);
      shown.energy_efficiency = cell.efficiency();
      period.cells.push_back(std::move(shown));
    }
    out.periods.push_back(std::move(period));
  }
  return json_answer(200, out);
}

}  // namespace lobo::core_sim
