#include "pipeline/ingest/ingester.h"

#include <gtest/gtest.h>

namespace troupe::ingest {
namespace {

TEST(ingester, says_why_series_may_not_grow) {
  storage::append_report r;
  r.too_old = 9;
  EXPECT_TRUE(growth_refusals(r).empty());
  r.new_series_refused = 1;
  r.over_budget = 2;
  r.budget = std::make_shared<const std::string>("\"jobs\" (7 series) of {job=\"a\"}");
  r.no_memory = 3;
  EXPECT_EQ(growth_refusals(r),
            (std::vector<std::string>{
                "1 samples of new series are over the series limit",
                "2 samples of new series are over the series budget \"jobs\" (7 series) of "
                "{job=\"a\"}",
                "3 samples of new series do not fit into memory (--storage.memory-limit)"}));
}

}  // namespace
}  // namespace troupe::ingest
