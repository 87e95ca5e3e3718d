#pragma once
// What a demo leaves behind: summary.json for machines, report.html for people.

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "exit_code.hpp"
#include "sequence_svg.hpp"

namespace lobo::app {

struct DemoStep {
  std::string name;
  std::string clause;
  bool ok = false;
  bool real = false;   ///< nothing in it depended on a simulator
  std::string detail;  ///< what was seen, or what went wrong
};

struct DemoReport {
  std::string demo;
  std::string subject;                                          ///< one sentence: what was shown
  std::vector<std::pair<std::string, std::string>> facts = {};  ///< members of the summary
  std::string lead = {};                                        ///< HTML before the steps
  std::vector<DemoStep> steps;
  std::vector<std::pair<std::string, double>> figures;    ///< names carry their unit
  std::vector<std::pair<std::string, double>> latencies;  ///< notifications: name and milliseconds
  std::vector<std::pair<std::string, std::string>> pictures;  ///< heading and SVG
  std::vector<SequenceArrow> sequence;
  bool interrupted = false;  ///< by Ctrl-C: what is missing was not tried
  bool ok() const;
};

/// Notes a step and tells it: what, real or how else (`otherwise`), how it went, which clause, what
/// was seen. Whether it went well.
bool tell_step(DemoReport& report, DemoStep step, std::string_view otherwise);
/// The same in one line.
bool tell_step_in_a_line(DemoReport& report, DemoStep step);

std::string summary_json(const DemoReport& report);
std::string report_html(const DemoReport& report);

/// Writes the summary and the report into `directory` and says how it went; `to_person` also says
/// what to open.
Exit finish_demo(const DemoReport& report, const std::string& directory, bool to_person);

/// Makes the folder where it is not, and takes out what an earlier demo left there: entries of
/// which `ours` says so by their names. The folder is the user's.
void clear_folder(const std::string& folder, const std::function<bool(std::string_view)>& ours);

/// Writes `text` to `path`; unavailable with the reason where that fails.
Result<void> write_file(const std::string& path, const std::string& text);

}  // namespace lobo::app
