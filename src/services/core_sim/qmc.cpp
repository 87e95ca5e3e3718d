#include "services/core_sim/qmc.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/net_control.hpp"
#include "api/oam.hpp"
#include "base/result.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/journal.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/world.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/qoe/configuration.hpp"
#include "wire/qoe/container.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::core_sim {

namespace oam = api::oam;
namespace view = api::net_control;

namespace {

constexpr std::string_view class_prefix = "QMCJob=";
constexpr std::string_view jobs_path = "/3GPPManagement/ProvMnS/v1800/SubNetwork=netsim/";
constexpr std::size_t job_id_bytes_max = 64;

http::Response no_content() { return {204, {{std::string(simulated_header), "netsim"}}, {}}; }

/// What is wrong inside a member that carries a document of its own: its place there follows.
tl::unexpected<Refusal> within(const Error& error, const std::string& member) {
  auto blamed = error;
  for (auto& fault : blamed.faults) fault.where = member + (fault.where == "/" ? "" : fault.where);
  if (blamed.faults.empty()) blamed.faults.push_back({error.code, member, error.detail});
  return refuse(blamed);
}

}  // namespace

bool QmcJobs::serves(std::string_view operation) {
  return operation == oam::operation::list_qmc_jobs || operation == oam::operation::put_qmc_job ||
         operation == oam::operation::read_qmc_job || operation == oam::operation::delete_qmc_job ||
         operation == view::operation::read_app_layer_measurements ||
         operation == view::operation::report_app_layer_measurement;
}

Answer QmcJobs::handle(const Call& call) {
  const auto id = call.operation.id;
  const bool asks = id == view::operation::read_app_layer_measurements;
  if (!asks && id != view::operation::report_app_layer_measurement) return on_job(call);
  const auto ue = net_.world.by_name(call.param("ueId"));
  if (!ue) return refuse(Errc::not_found, "No UE has that name.");
  return asks ? configuration(call, *ue) : report(call, *ue);
}

// ---- the OAM ----------------------------------------------------------------------------------

Answer QmcJobs::on_job(const Call& call) {
  const auto shown = [](const std::string& id, const Job& job) {
    oam::QmcJob out;
    out.id = id;
    out.object_class = oam::QmcJobObjectClass::qmc_job;
    out.attributes = job.attributes;
    out.attributes.reports_collected = static_cast<std::int64_t>(job.collected);
    out.attributes.reports_refused = static_cast<std::int64_t>(job.refused);
    return out;
  };
  const auto operation = call.operation.id;
  if (operation == oam::operation::list_qmc_jobs) {
    oam::QmcJobs all;
    for (const auto& [id, job] : jobs_) all.qmc_jobs.push_back(shown(id, job));
    return json_answer(200, all);
  }
  const auto name = call.param("relativeName");
  if (!name.starts_with(class_prefix) || name.size() == class_prefix.size() ||
      name.size() > class_prefix.size() + job_id_bytes_max)
    return refuse(Errc::not_found, "There are objects of class QMCJob only: QMCJob=ID.");
  const std::string id(name.substr(class_prefix.size()));
  const auto found = jobs_.find(id);
  const bool known = found != jobs_.end();
  if (operation == oam::operation::put_qmc_job) {
    if (auto done = put(call, id); !done) return done;
    auto answer = json_answer(known ? 200 : 201, shown(id, jobs_.at(id)));
    if (!known)
      answer.headers.add("location", net_.config.api_root + std::string(jobs_path) +
                                         std::string(class_prefix) + http::percent_encode(id));
    return answer;
  }
  if (!known) return refuse(Errc::not_found, "There is no such job.");
  if (operation == oam::operation::read_qmc_job) return json_answer(200, shown(id, found->second));
  net_.callbacks.drop(found->second.number);
  jobs_.erase(found);
  return no_content();
}

Answer QmcJobs::put(const Call& call, const std::string& id) {
  const auto body = read_body<oam::QmcJob>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  if (body->id && *body->id != id)
    return refuse(Errc::not_allowed, "A job has one name.",
                  {{Errc::not_allowed, "/id", "must be that of the path"}});
  const auto before = jobs_.find(id);
  if (before == jobs_.end() && jobs_.size() >= qmc_jobs_max)
    return refuse(Errc::too_many, "A UE has as many measurements as it may have.");
  auto job = made(body->attributes);
  if (!job) return tl::unexpected<Refusal>(std::move(job.error()));
  if (before != jobs_.end()) {
    net_.callbacks.drop(before->second.number);
    jobs_.erase(before);
  }
  job->number = net_.next_number++;
  job->measurement = free_measurement();
  note(call, "10a");
  jobs_.emplace(id, std::move(*job));
  return no_content();
}

Outcome<QmcJobs::Job> QmcJobs::made(const oam::QmcJobAttributes& wanted) const {
  const std::string at = "/attributes/";
  Job out;
  if (wanted.service_type != oam::QmcServiceType::dash)
    return refuse(Errc::not_allowed, "Reports of DASH clients are collected.",
                  {{Errc::not_allowed, at + "serviceType", "only DASH is served"}});
  if (!is_callback_uri(wanted.consumer_reference))
    return refuse(Errc::pattern, "Nobody can be told.",
                  {{Errc::pattern, at + "consumerReference", "must be an absolute http(s) URI"}});
  if (wanted.area_scope)
    for (const auto& name : wanted.area_scope->front()) {
      const auto cell = net_.world.cell_by_name(name);
      if (!cell)
        return refuse(Errc::not_found, "No cell has that name.",
                      {{Errc::not_found, at + "areaScope/0", "'" + name + "' is not known"}});
      out.cells.push_back(*cell);
    }
  if (const auto read = qoe::read_configuration(wanted.q_mc_config_file); !read)
    return within(read.error(), at + "qMCConfigFile");
  std::size_t octets_max = qoe::container_bytes_max;
  for (CellIndex cell = 0; cell < net_.world.cell_count(); ++cell)
    if (out.cells.empty() || std::ranges::find(out.cells, cell) != out.cells.end())
      octets_max = std::min(octets_max, container_max(cell));
  auto container = qoe::make_container(wanted.q_mc_config_file, octets_max);
  if (!container) return within(container.error(), at + "qMCConfigFile");
  out.container = std::move(*container);
  out.attributes = wanted;
  return out;
}

/// The journal has what led to something, as it has what is said to the NEF.
void QmcJobs::note(const Call& call, std::string_view steps) {
  JournalEntry entry{.at = call.now};
  entry.operation = call.operation.id;
  entry.method = call.request.method;
  entry.path = call.request.target;
  entry.steps = steps;
  net_.journal.add(std::move(entry), call.request.body);
}

/// One is free: there are as many as jobs may be.
std::int64_t QmcJobs::free_measurement() const {
  std::int64_t free = 0;
  const auto taken = [&](const auto& one) { return one.second.measurement == free; };
  while (std::ranges::any_of(jobs_, taken)) ++free;
  return free;
}

// ---- the gNB ----------------------------------------------------------------------------------

bool QmcJobs::concerns(const Job& job, UeIndex ue) const {
  const auto& who = net_.world.ue(ue);
  return who.session_up &&
         (job.cells.empty() || std::ranges::find(job.cells, who.cell) != job.cells.end());
}

std::size_t QmcJobs::container_max(CellIndex cell) const {
  return net_.world.cell(cell).eutra ? qoe::container_bytes_max_lte : qoe::container_bytes_max;
}

/// Step 10b, once for a UE and a job: a UE asks again and again.
Answer QmcJobs::configuration(const Call& call, UeIndex ue) {
  view::AppLayerMeasurements out;
  bool news = false;
  for (auto& [id, job] : jobs_) {
    if (!concerns(job, ue)) continue;
    auto& one = out.configurations.emplace_back();
    one.meas_config_app_layer_id = job.measurement;
    one.container.octets = job.container;
    news = job.configured.insert(ue).second || news;
  }
  if (news) note(call, "10b");
  return json_answer(200, out);
}

/// Steps 10d to 10f, and 31a to 31c from a UE's second report on: looked at before it goes on, so
/// that a consumer gets no bomb from us.
Answer QmcJobs::report(const Call& call, UeIndex ue) {
  const auto body = read_body<view::AppLayerReport>(call.request.body);
  if (!body) return tl::unexpected<Refusal>(body.error());
  const auto found = std::ranges::find_if(jobs_, [&](const auto& one) {
    return one.second.measurement == body->meas_config_app_layer_id && concerns(one.second, ue);
  });
  if (found == jobs_.end())
    return refuse(Errc::not_found, "The UE is not configured so.",
                  {{Errc::not_found, "/measConfigAppLayerId", "is no measurement of this UE"}});
  auto& job = found->second;
  const auto xml =
      qoe::open_container(body->container.octets, container_max(net_.world.ue(ue).cell));
  const auto read = xml ? qoe::read_report(*xml) : tl::unexpected<Error>(xml.error());
  if (!read) {
    ++job.refused;
    return within(read.error(), "/container");
  }
  ++job.collected;
  const bool first = job.heard.insert(ue).second;
  note(call, first ? "10d 10e" : "31a 31b");
  net_.callbacks.push_gzip(job.number, job.attributes.consumer_reference, qoe_report_forwarding,
                           body->container.octets, qoe::report_media_type, first ? "10f" : "31c",
                           call.now);
  return no_content();
}

}  // namespace lobo::core_sim
