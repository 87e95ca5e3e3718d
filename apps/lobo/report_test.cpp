#include <gtest/gtest.h>

#include <vector>

#include "demo_report.hpp"
#include "sequence_svg.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

DemoReport sample() {
  DemoReport report;
  report.demo = "story";
  report.subject = "a \"test\" <script>";
  report.steps = {{"first", "clause 1", true, true, "seen"},
                  {"second", "clause 2", true, false, "</td>"}};
  report.figures = {{"start_ms", 12.5}};
  report.latencies = {{"QOS_NOT_GUARANTEED", 80}};
  report.sequence = {
      {.from = "app", .to = "lobo", .text = "POST /x", .clause = "T7", .when = "0.1 s"},
      {.from = "lobo",
       .to = "app",
       .text = "201 <b>",
       .clause = {},
       .when = "0.2 s",
       .request = false}};
  return report;
}

TEST(demo_report, the_summary_is_json_with_every_step_and_figure) {
  const auto summary = json::parse(summary_json(sample()));
  ASSERT_TRUE(summary);
  EXPECT_EQ(*summary->find("demo")->text(), "story");
  EXPECT_EQ(summary->find("ok")->boolean(), true);
  const auto& steps = *summary->find("steps")->array();
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[1].find("real")->boolean(), false);
  EXPECT_EQ(*steps[1].find("clause")->text(), "clause 2");
  EXPECT_NE(summary->find("figures")->find("start_ms"), nullptr);
}

TEST(demo_report, one_failed_step_or_none_at_all_is_not_ok) {
  DemoReport report = sample();
  report.steps[0].ok = false;
  EXPECT_FALSE(report.ok());
  report = sample();
  report.interrupted = true;
  EXPECT_FALSE(report.ok());
  report = sample();
  report.steps.clear();
  EXPECT_FALSE(report.ok());
}

TEST(demo_report, the_page_needs_no_download_and_takes_no_markup_from_messages) {
  const std::string page = report_html(sample());
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("src="), std::string::npos);
  EXPECT_EQ(page.find("href="), std::string::npos);
  EXPECT_EQ(page.find("201 <b>"), std::string::npos);
  EXPECT_NE(page.find("201 &lt;b&gt;"), std::string::npos);
  EXPECT_NE(page.find("<svg"), std::string::npos);
}

TEST(demo_report, figures_have_their_unit_beside_the_number) {
  const std::string page = report_html(sample());
  EXPECT_NE(page.find("<td>start</td><td class=\"number\">12.5 ms</td>"), std::string::npos);
}

TEST(sequence_svg, a_diagram_with_too_many_messages_says_how_many_it_left_out) {
  const std::vector<SequenceArrow> many(sequence_arrows_max + 7, sample().sequence.front());
  EXPECT_NE(sequence_svg(many).find("7 further messages"), std::string::npos);
}

}  // namespace
}  // namespace lobo::app
