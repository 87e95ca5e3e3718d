#pragma once
// Performance measurements of one granularity period as a file: the XML of TS 32.435 clause 4
// (measCollecFile), which collectors of network managers read, named as TS 32.432 clause 5.2 says.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace lobo::pm {

/// One measured object: a value for each of the file's measurements, nothing where none was taken.
struct MeasuredObject {
  std::string ldn;  ///< local distinguished name, "ManagedElement=…,NRCellDU=…"
  std::vector<std::optional<double>> values;
};

struct MeasurementFile {
  std::string sender;  ///< local distinguished name of who measured
  std::string vendor;
  std::string info_id;  ///< what the measurements are about
  Instant begin{};
  Instant end{};
  std::chrono::seconds granularity{};
  bool suspect = false;                   ///< not all of the period was measured
  std::vector<std::string> measurements;  ///< names of TS 28.552
  std::vector<MeasuredObject> objects;
};

/// A value that was not taken is written NIL. Times are in UTC, to the second.
std::string write_file(const MeasurementFile& file);

/// "A20261123.1800+0000-1815+0000_NAME.xml"; with seconds where the period has some.
std::string file_name(Instant begin, Instant end, const std::string& name);

}  // namespace lobo::pm
