#include "wire/pm/measurement_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <pugixml.hpp>
#include <sstream>
#include <string>

#include "base/clock.hpp"

namespace lobo::pm {
namespace {

constexpr const char* file_namespace =
    "http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec";
constexpr const char* format_version = "32.435 V10.0";

std::string time_of(Instant at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", std::chrono::floor<std::chrono::seconds>(at));
}

pugi::xml_node with(pugi::xml_node parent, const char* name, const std::string& text) {
  auto child = parent.append_child(name);
  child.text().set(text.c_str());
  return child;
}

}  // namespace

std::string write_file(const MeasurementFile& file) {
  pugi::xml_document document;
  auto declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  auto root = document.append_child("measCollecFile");
  root.append_attribute("xmlns") = file_namespace;
  auto header = root.append_child("fileHeader");
  header.append_attribute("fileFormatVersion") = format_version;
  header.append_attribute("vendorName") = file.vendor.c_str();
  auto sender = header.append_child("fileSender");
  sender.append_attribute("localDn") = file.sender.c_str();
  header.append_child("measCollec").append_attribute("beginTime") = time_of(file.begin).c_str();

  auto data = root.append_child("measData");
  data.append_child("managedElement").append_attribute("localDn") = file.sender.c_str();
  auto info = data.append_child("measInfo");
  info.append_attribute("measInfoId") = file.info_id.c_str();
  const auto duration = fmt::format("PT{}S", file.granularity.count());
  auto period = info.append_child("granPeriod");
  period.append_attribute("duration") = duration.c_str();
  period.append_attribute("endTime") = time_of(file.end).c_str();
  info.append_child("repPeriod").append_attribute("duration") = duration.c_str();
  for (std::size_t i = 0; i < file.measurements.size(); ++i)
    with(info, "measType", file.measurements[i]).append_attribute("p") =
        static_cast<unsigned long>(i + 1);
  for (const auto& object : file.objects) {
    auto value = info.append_child("measValue");
    value.append_attribute("measObjLdn") = object.ldn.c_str();
    for (std::size_t i = 0; i < object.values.size(); ++i)
      with(value, "r", object.values[i] ? fmt::format("{}", *object.values[i]) : "NIL")
          .append_attribute("p") = static_cast<unsigned long>(i + 1);
    if (file.suspect) with(value, "suspect", "true");
  }
  root.append_child("fileFooter").append_child("measCollec").append_attribute("endTime") =
      time_of(file.end).c_str();
  std::ostringstream out;
  document.save(out, "  ");
  return std::move(out).str();
}

std::string file_name(Instant begin, Instant end, const std::string& name) {
  using std::chrono::floor, std::chrono::minutes, std::chrono::seconds;
  const auto from = floor<seconds>(begin);
  const auto to = floor<seconds>(end);
  const bool whole = floor<minutes>(from) == from && floor<minutes>(to) == to;
  return whole ? fmt::format("A{:%Y%m%d.%H%M}+0000-{:%H%M}+0000_{}.xml", from, to, name)
               : fmt::format("A{:%Y%m%d.%H%M%S}+0000-{:%H%M%S}+0000_{}.xml", from, to, name);
}

}  // namespace lobo::pm
