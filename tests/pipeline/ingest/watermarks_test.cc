#include "pipeline/ingest/watermarks.h"

#include <gmock/gmock.h>

namespace troupe::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t now = 1'700'000'000'000;
constexpr int64_t minute = 60'000;

class watermarks_of_two : public testing::Test {
 protected:
  watermarks_of_two() {
    w.set_sources("consume", {{"east", labels::from({{"region", "east"}})}, {"west", labels()}},
                  now - 5 * minute);
    w.note("consume", "east", now);
    w.note("consume", "west", now);
  }
  std::vector<std::string> warnings(match_op op = match_op::regex, std::string region = ".*",
                                    timestamp_ms end = now) {
    const std::vector<matchers> selectors{{*matcher::make(op, "region", std::move(region))}};
    return w.warnings(selectors, end, now);
  }
  watermarks w;
};

TEST_F(watermarks_of_two, who_keeps_up_is_not_told_of) {
  w.note("consume", "east", now - watermarks::tolerance_ms);
  EXPECT_FALSE(w.any_behind(now, now));
  EXPECT_THAT(warnings(), IsEmpty());
}

TEST_F(watermarks_of_two, who_is_behind_is_told_of_where_it_matters) {
  w.note("consume", "east", now - 3 * minute);
  EXPECT_TRUE(w.any_behind(now, now));
  EXPECT_THAT(warnings(), ElementsAre("consume \"east\" is 3m behind: later samples of it may be "
                                      "missing"));
  EXPECT_THAT(warnings(match_op::equal, "east"), ElementsAre(HasSubstr("east")));
  EXPECT_THAT(warnings(match_op::equal, "west"), IsEmpty()) << "its series say east";
  EXPECT_THAT(warnings(match_op::regex, ".*", now - 3 * minute), IsEmpty()) << "all is there";
  // The future is not missing.
  w.note("consume", "east", now);
  EXPECT_THAT(warnings(match_op::regex, ".*", now + 10 * minute), IsEmpty());
}

TEST_F(watermarks_of_two, one_that_never_brought_anything) {
  w.set_sources("federation", {{"new", labels()}}, now - minute / 2);
  EXPECT_THAT(warnings(), IsEmpty());
  w.set_sources("federation", {{"other", labels()}}, now - 2 * minute);
  EXPECT_THAT(warnings(), ElementsAre("federation \"other\" has brought nothing yet: its samples "
                                      "are missing"));
  EXPECT_THAT(warnings(match_op::regex, ".*", now - 3 * minute), IsEmpty());
}

TEST_F(watermarks_of_two, who_lacks_anything_up_to_a_time) {
  EXPECT_THAT(w.behind(now, now), IsEmpty());
  w.note("consume", "east", now - 1);
  ASSERT_THAT(w.behind(now, now), testing::SizeIs(1));
  EXPECT_EQ(w.behind(now, now)[0].name, "east");
  EXPECT_THAT(w.behind(now - 1, now), IsEmpty());
  w.set_sources("federation", {{"new", labels()}}, now);
  EXPECT_THAT(w.behind(now - 1, now), IsEmpty()) << "it may have nothing";
  EXPECT_THAT(w.behind(now + 2 * minute, now + 2 * minute), testing::SizeIs(3));
}

TEST_F(watermarks_of_two, sources_of_the_configuration_only) {
  w.note("consume", "nobody", now);
  w.set_sources("consume", {{"west", labels()}}, now);
  ASSERT_EQ(w.list().size(), 1u);
  EXPECT_EQ(w.list().front().name, "west");
  EXPECT_EQ(w.list().front().complete_until, now);
  EXPECT_EQ(w.list().front().since_ms, now - 5 * minute);
}

}  // namespace
}  // namespace troupe::ingest
