#include "demo_session/kept.hpp"

#include <gtest/gtest.h>

#include <string>

#include "adapters/store/database.hpp"
#include "adapters/store/schema.hpp"
#include "support/temp_dir.hpp"

namespace lobo::app {
namespace {

using adapters::store::Database;

class Kept : public ::testing::Test {
 protected:
  void SetUp() override {
    auto database = Database::open(path_, Database::Mode::read_write);
    ASSERT_TRUE(database && adapters::store::migrate(*database));
  }
  void add(const std::string& statement) {
    auto database = Database::open(path_, Database::Mode::read_write);
    ASSERT_TRUE(database && database->run(statement));
  }
  lobo::testing::TempDir folder_;
  std::string path_ = folder_.file("store.sqlite");
};

TEST_F(Kept, an_empty_store_has_nothing_and_what_it_knows_of_the_core_is_nobodys) {
  EXPECT_EQ(left_in_store(path_).value(), "");
  add("INSERT INTO resource VALUES ('core_peer','1','','',1,'{}')");
  EXPECT_EQ(left_in_store(path_).value(), "");
}

TEST_F(Kept, records_effects_and_timers_are_named) {
  add("INSERT INTO resource VALUES ('mm_session','1','o','',1,'{}')");
  add("INSERT INTO effect VALUES (1,'sdd_connection','1','notify','{}',1,8)");
  add("INSERT INTO timer VALUES ('mm_session','1','grace',5)");
  const auto said = left_in_store(path_).value();
  for (const auto* what : {"1 mm_session", "1 notify of sdd_connection", "1 timer of mm_session"})
    EXPECT_NE(said.find(what), std::string::npos) << said;
}

TEST_F(Kept, a_store_that_is_not_there_is_no_empty_one) {
  EXPECT_FALSE(left_in_store(folder_.file("nothing.sqlite")));
}

}  // namespace
}  // namespace lobo::app
