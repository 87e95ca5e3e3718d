#include "adapters/power/counters.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temp_dir.hpp"

namespace lobo::adapters::power {
namespace {

class FakeSys {
 public:
  void zone(const std::string& path, const std::string& name, const std::string& energy) {
    const auto folder = root_.path() / "class" / "powercap" / path;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "name") << name << '\n';
    std::ofstream(folder / "energy_uj") << energy << '\n';
    std::ofstream(folder / "max_energy_range_uj") << "262143328850\n";
  }
  std::filesystem::path file(const std::string& path) const {
    return root_.path() / "class" / "powercap" / path;
  }
  std::string root() const { return root_.path().string(); }

 private:
  lobo::testing::TempDir root_;
};

TEST(powercap, zones_are_read_in_the_order_of_their_paths) {
  FakeSys sys;
  sys.zone("intel-rapl:1", "package-1", "22");
  sys.zone("intel-rapl:0", "package-0", "11");
  sys.zone("intel-rapl:0:0", "dram", "7");
  std::filesystem::create_directories(sys.file("intel-rapl"));  // the control type
  const auto zones = read_zones(sys.root());
  ASSERT_EQ(zones.size(), 3U);
  EXPECT_EQ(zones[0], (ZoneFile{.path = "intel-rapl:0",
                                .name = "package-0",
                                .energy_uj = 11,
                                .range_uj = 262'143'328'850}));
  EXPECT_EQ(zones[1].name, "dram");
  EXPECT_EQ(zones[2].energy_uj, 22U);
}

TEST(powercap, a_machine_without_counters_has_no_zones) {
  const FakeSys sys;
  EXPECT_TRUE(read_zones(sys.root()).empty());
  EXPECT_TRUE(read_zones("/no/such/folder").empty());
}

TEST(powercap, a_counter_that_holds_no_number_is_unreadable) {
  FakeSys sys;
  sys.zone("intel-rapl:0", "package-0", "many");
  std::filesystem::remove(sys.file("intel-rapl:0") / "energy_uj");
  sys.zone("intel-rapl:1", "package-1", "-5");
  std::filesystem::remove(sys.file("intel-rapl:0") / "energy_uj");
  const auto zones = read_zones(sys.root());
  ASSERT_EQ(zones.size(), 2U);
  EXPECT_TRUE(zones[0].unreadable);
  EXPECT_FALSE(zones[0].denied);
  EXPECT_TRUE(zones[1].unreadable);
}

TEST(powercap, a_counter_that_only_root_may_read_is_denied) {
  FakeSys sys;
  sys.zone("intel-rapl:0", "package-0", "11");
  std::filesystem::permissions(sys.file("intel-rapl:0") / "energy_uj",
                               std::filesystem::perms::none);
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const auto zones = read_zones(sys.root());
  ASSERT_EQ(zones.size(), 1U);
  EXPECT_TRUE(zones[0].denied);
}

TEST(powercap, a_zone_that_vanishes_is_not_there_any_more) {
  FakeSys sys;
  sys.zone("intel-rapl:0", "package-0", "11");
  sys.zone("intel-rapl:1", "package-1", "11");
  std::filesystem::remove_all(sys.file("intel-rapl:1"));
  EXPECT_EQ(read_zones(sys.root()).size(), 1U);
}

TEST(proc_stat, is_read_whole_and_absent_where_there_is_none) {
  const lobo::testing::TempDir proc;
  EXPECT_FALSE(read_proc_stat(proc.path().string()));
  std::ofstream(proc.file("stat")) << "cpu  1 2 3 4\n";
  EXPECT_EQ(read_proc_stat(proc.path().string()), "cpu  1 2 3 4\n");
}

}  // namespace
}  // namespace lobo::adapters::power
