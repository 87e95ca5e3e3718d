#include "demo_green/books.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <utility>

namespace lobo::app {
namespace {

TEST(green_books, everybody_at_the_nearest_place_saves_nothing) {
  Books books;
  books.add({1, 1, 1}, {}, {400, 300, 200}, 24);
  EXPECT_NEAR(books.saved_wh(), 0, 1e-9);
  EXPECT_NEAR(books.saved_g(), 0, 1e-9);
}

TEST(green_books, one_place_for_all_and_two_asleep_is_what_it_takes) {
  Books books;
  books.add({0, 3, 0}, {true, false, true}, {400, 100, 400}, 1);
  EXPECT_NEAR(books.spent().wh, 1.2 * (6 + 220 + 6), 1e-9);
  EXPECT_NEAR(books.nearest().wh, 1.2 * 3 * 140, 1e-9);
  EXPECT_NEAR(books.spent().g, 1.2 * (6 * 0.4 + 220 * 0.1 + 6 * 0.4), 1e-9);
  EXPECT_GT(books.saved_g() - books.saved_g_off(), 0);
  EXPECT_NEAR(books.asleep_hours(), 2, 1e-9);
}

TEST(green_books, every_place_is_the_greenest_at_its_own_noon) {
  for (const auto& [hour, place] : {std::pair{18.0, 0U}, {12.0, 1U}, {6.0, 2U}})
    for (std::size_t other = 0; other < green_places; ++other)
      if (other != place) { EXPECT_LT(grid_at(place, hour), grid_at(other, hour)) << hour; }
  EXPECT_NEAR(grid_at(0, 0), grid_at(0, 24), 1e-9);
}

}  // namespace
}  // namespace lobo::app
