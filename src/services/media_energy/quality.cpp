#include "services/media_energy/quality.hpp"

#include <string>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/http/message.hpp"
#include "wire/qoe/container.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::media_energy {

Result<std::string> metrics_report_in(const http::Request& request) {
  std::string xml = request.body;
  const auto coding = request.headers.find("content-encoding").value_or("identity");
  if (equal_ignoring_case(coding, "gzip")) {
    auto opened = qoe::gunzip(xml, qoe::report_bytes_max);
    if (!opened) return fail(std::move(opened.error()));
    xml = std::move(*opened);
  } else if (!equal_ignoring_case(coding, "identity")) {
    return fail(Errc::media_type, "send a report as it is or with Content-Encoding gzip");
  }
  if (auto read = qoe::read_report(xml); !read) return fail(std::move(read.error()));
  return xml;
}

}  // namespace lobo::media_energy
