#include "wire/qoe/configuration.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/result.hpp"

namespace lobo::qoe {
namespace {

using namespace std::chrono_literals;

std::string blamed(const std::string& xml) {
  const auto read = read_configuration(xml);
  return read || read.error().faults.empty() ? std::string() : read.error().faults.front().where;
}

TEST(qoe_configuration, what_is_written_is_read_as_the_same) {
  const QoeConfiguration some{10s, {"AvgThroughput", "PlayList"}};
  EXPECT_EQ(*read_configuration(write_configuration(some)), some);
  EXPECT_EQ(
      *read_configuration(R"(<QoeConfiguration reportingInterval="86400"><x/></QoeConfiguration>)"),
      (QoeConfiguration{86'400s, {}}));
}

TEST(qoe_configuration, intervals_that_are_none_are_refused_by_their_place) {
  for (const std::string bad : {"0", "-5", "", "1.5", "86401", "10 s", "99999999999999999999"})
    EXPECT_EQ(blamed("<QoeConfiguration reportingInterval=\"" + bad + "\"/>"),
              "/QoeConfiguration/reportingInterval")
        << bad;
}

TEST(qoe_configuration, entities_depth_and_size_are_bounded) {
  EXPECT_EQ(blamed("<!DOCTYPE x [<!ENTITY a \"b\">]><QoeConfiguration reportingInterval=\"1\"/>"),
            "/");
  std::string deep = R"(<QoeConfiguration reportingInterval="1">)";
  for (int i = 0; i < 20; ++i) deep += "<a>";
  for (int i = 0; i < 20; ++i) deep += "</a>";
  EXPECT_EQ(blamed(deep + "</QoeConfiguration>"), "/");
  EXPECT_EQ(blamed("<Other/>"), "/");
  EXPECT_EQ(blamed("nothing"), "/");
  EXPECT_EQ(read_configuration(std::string(configuration_bytes_max + 1, ' ')).error().code,
            Errc::too_large);
  std::string many = R"(<QoeConfiguration reportingInterval="1">)";
  for (int i = 0; i < 17; ++i) many += R"(<Metric name="m"/>)";
  EXPECT_EQ(blamed(many + "</QoeConfiguration>"), "/QoeConfiguration/Metric/16");
  EXPECT_EQ(blamed(R"(<QoeConfiguration reportingInterval="1"><Metric/></QoeConfiguration>)"),
            "/QoeConfiguration/Metric/0/name");
}

}  // namespace
}  // namespace lobo::qoe
