#pragma once
// What comes to metrics reporting on M5 (TS 26.512 clause 11, TS 26.247 clause 10.6).

#include <string>

#include "base/result.hpp"
#include "wire/http/message.hpp"

namespace lobo::media_energy {

/// The report as plain XML, also where it came as gzip: bounded, and read once to the end.
Result<std::string> metrics_report_in(const http::Request& request);

}  // namespace lobo::media_energy
