#include "wire/pm/measurement_file.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "model/date_time.hpp"

namespace lobo::pm {
namespace {

using namespace std::chrono_literals;

// Written by hand after TS 32.435 clause 4.
TEST(measurement_file, is_what_collectors_read) {
  const auto begin = *model::parse_date_time("2026-11-23T18:00:00Z");
  const MeasurementFile file{
      .sender = "SubNetwork=a&b",
      .vendor = "Lobodon",
      .info_id = "energy",
      .begin = begin,
      .end = begin + 15min,
      .granularity = 15min,
      .measurements = {"PEE.AvgPower", "DRB.PdcpSduVolumeDL"},
      .objects = {{"ManagedElement=netsim,NRCellDU=cell1", {512.5, std::nullopt}},
                  {"ManagedElement=netsim,NRCellDU=cell2", {400, 12}}}};
  EXPECT_EQ(write_file(file), R"(<?xml version="1.0" encoding="UTF-8"?>
<measCollecFile xmlns="http://www.3gpp.org/ftp/specs/archive/32_series/32.435#measCollec">
  <fileHeader fileFormatVersion="32.435 V10.0" vendorName="Lobodon">
    <fileSender localDn="SubNetwork=a&amp;b" />
    <measCollec beginTime="2026-11-23T18:00:00Z" />
  </fileHeader>
  <measData>
    <managedElement localDn="SubNetwork=a&amp;b" />
    <measInfo measInfoId="energy">
      <granPeriod duration="PT900S" endTime="2026-11-23T18:15:00Z" />
      <repPeriod duration="PT900S" />
      <measType p="1">PEE.AvgPower</measType>
      <measType p="2">DRB.PdcpSduVolumeDL</measType>
      <measValue measObjLdn="ManagedElement=netsim,NRCellDU=cell1">
        <r p="1">512.5</r>
        <r p="2">NIL</r>
      </measValue>
      <measValue measObjLdn="ManagedElement=netsim,NRCellDU=cell2">
        <r p="1">400</r>
        <r p="2">12</r>
      </measValue>
    </measInfo>
  </measData>
  <fileFooter>
    <measCollec endTime="2026-11-23T18:15:00Z" />
  </fileFooter>
</measCollecFile>
)");
  auto partly = file;
  partly.suspect = true;
  EXPECT_NE(write_file(partly).find("<suspect>true</suspect>"), std::string::npos);
}

TEST(measurement_file, is_named_by_its_period) {
  const auto begin = *model::parse_date_time("2026-11-23T23:45:00Z");
  EXPECT_EQ(file_name(begin, begin + 15min, "n"), "A20261123.2345+0000-0000+0000_n.xml");
  EXPECT_EQ(file_name(begin + 5s, begin + 6s, "n"), "A20261123.234505+0000-234506+0000_n.xml");
}

}  // namespace
}  // namespace lobo::pm
