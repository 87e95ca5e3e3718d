// Where sessions are, by what a sample of them tells: right where somebody told, nothing where
// nobody did.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "model/date_time.hpp"
#include "services/media_energy/mapping.hpp"
#include "support/media_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/qoe/container.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using lobo::testing::MediaDriver;

constexpr std::size_t sessions_count = 1000;
constexpr int rounds = 5;
constexpr std::uint64_t one_in = 20;  // how seldom a report is of a host that nobody knows

struct Base {
  std::string_view location, url;
};
// One below the other, a port of its own, an address: what a shorter match would get wrong.
constexpr std::array<Base, 4> bases{{{"SL1", "http://cdn.example/m4/"},
                                     {"SL2", "http://cdn.example/m4/near/"},
                                     {"SL2", "http://[2001:db8::1]:8080/m4/"},
                                     {"SL3", "https://cdn.example/m4/"}}};

class sampled_mapping : public ::testing::TestWithParam<int> {
 protected:
  sampled_mapping() : session_(d_.session()) {
    std::string places;
    // Each with an entry point of its own: one location serves one entry point from one base.
    for (const auto& base : bases)
      places += (places.empty() ? "" : ",") + R"({"entryPoint":{"relativePath":")"s +
                std::to_string(places.size()) +
                R"(.mpd","contentType":"application/dash+xml"},"baseURL":")" +
                std::string(base.url) + R"(","serviceLocationId":")" + std::string(base.location) +
                R"("})";
    const auto path = MediaDriver::session_path(session_);
    const auto made =
        d_.ask("POST", path + "/content-hosting-configuration",
               R"({"name":"live","ingestConfiguration":{},"distributionConfigurations":[)" +
                   places + "]}");
    EXPECT_EQ(made.status, 201) << made.body;
    configuration_ = MediaDriver::id_of(
        d_.ask("POST", path + "/metrics-reporting-configurations",
               R"({"samplingPeriod":1,"samplePercentage":)" + std::to_string(GetParam()) + '}'));
  }
  static std::string name_of(std::size_t session) { return "play-" + std::to_string(session); }

  /// The gzip of a report, as a UE or its cell sends it.
  int tell_quality(std::size_t session, std::string_view base) {
    qoe::QoeReport report;
    report.recording_session = name_of(session);
    report.time = d_.now;
    report.period = 10s;
    http::Request request;
    request.method = "POST";
    request.target = "/3gpp-m5/v2/metrics-reporting/" + session_ + '/' + configuration_;
    request.headers.add("content-encoding", "gzip");
    request.body =
        qoe::gzip(qoe::write_report({"c", std::string(base) + "live.mpd?sig=/m4/near/", {report}}));
    EXPECT_LE(request.body.size(), 8000U) << "what a cell carries";
    return d_.ask(std::move(request), "ue").status;
  }
  int tell_consumption(std::size_t session, std::string_view base) {
    return d_
        .ask("POST", "/3gpp-m5/v2/consumption-reporting/" + session_,
             R"({"mediaPlayerEntry":"http://x.example/","reportingClientId":")" + name_of(session) +
                 R"(","consumptionReportingUnits":[{"mediaConsumed":")" + std::string(base) +
                 R"(v/1.mp4","startTime":")" + model::format_date_time(d_.now) +
                 R"(","duration":10}]})",
             "ue")
        .status;
  }

  MediaDriver d_;
  std::string session_, configuration_;
};

TEST_P(sampled_mapping, is_right_where_somebody_told_and_guesses_nowhere_else) {
  SeededRng chance(static_cast<std::uint64_t>(GetParam()));
  std::vector<bool> sampled(sessions_count);
  for (std::size_t i = 0; i < sessions_count; ++i)
    sampled[i] = chance.below(100) < static_cast<std::uint64_t>(GetParam());
  std::vector<std::size_t> at(sessions_count);
  std::uint64_t strange = 0, told = 0, right = 0;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < sessions_count; ++i) {
      if (round == 0 || chance.below(4) == 0) at[i] = chance.below(bases.size());
      if (!sampled[i]) continue;
      // Half of them tell by consumption reports, too, which are believed before the others.
      const bool unknown = chance.below(one_in) == 0;
      const auto base = unknown ? "http://elsewhere.example/" : bases[at[i]].url;
      if (i % 2 == 0) { ASSERT_EQ(tell_consumption(i, base), 204); }
      ASSERT_EQ(tell_quality(i, base), 204);
      strange += unknown ? (i % 2 == 0 ? 2U : 1U) : 0U;
      if (unknown) continue;
      ++told;
      const auto* placed = d_.eiaf.placements().find(name_of(i));
      right += placed != nullptr && placed->location == bases[at[i]].location ? 1U : 0U;
    }
    d_.now += 10s;
  }
  RecordProperty("told", std::to_string(told));
  RecordProperty("right", std::to_string(right));
  RecordProperty("unmapped_counted", std::to_string(strange));
  ASSERT_GT(told, 0U);
  EXPECT_GE(static_cast<double>(right), 0.999 * static_cast<double>(told))
      << right << " of " << told;
  EXPECT_EQ(d_.eiaf.placements().unmapped(), strange);
  for (std::size_t i = 0; i < sessions_count; ++i)
    if (!sampled[i]) { EXPECT_EQ(d_.eiaf.placements().find(name_of(i)), nullptr) << i; }
}

INSTANTIATE_TEST_SUITE_P(percent, sampled_mapping, ::testing::Values(1, 10, 50));

}  // namespace
}  // namespace lobo::media_energy
