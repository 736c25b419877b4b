#include "pipeline/http/late_fetcher.h"

#include <gtest/gtest.h>

namespace troupe::http {
namespace {

struct counting_fetcher final : fetcher {
  explicit counting_fetcher(int& stops) : stops(stops) {}
  void fetch(std::vector<fetch_request> batch, done_fn done) override {
    std::vector<fetch_result> out(batch.size());
    for (size_t i = 0; i < batch.size(); ++i)
      out[i].token = batch[i].token;
    done(std::move(out));
  }
  void stop() override { ++stops; }
  int& stops;
};

class LateFetcherTest : public ::testing::Test {
 protected:
  std::vector<fetch_result> fetch() {
    std::vector<fetch_result> got;
    std::vector<fetch_request> batch(2);
    batch[0].token = 7;
    batch[1].token = 8;
    late.fetch(std::move(batch), [&](auto results) { got = std::move(results); });
    return got;
  }
  int makes = 0, stops = 0;
  late_fetcher late{[this] {
    ++makes;
    return std::make_unique<counting_fetcher>(stops);
  }};
};

TEST_F(LateFetcherTest, ItIsMadeOnceWhenItIsUsed) {
  EXPECT_EQ(makes, 0);
  EXPECT_EQ(fetch().at(1).token, 8u);
  fetch();
  EXPECT_EQ(makes, 1);
  late.stop();
  EXPECT_EQ(stops, 1);
}

TEST_F(LateFetcherTest, AfterStopNothingIsMade) {
  late.stop();
  const auto got = fetch();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].token, 7u);
  EXPECT_EQ(got[0].error.code(), errc::canceled);
  EXPECT_EQ(makes + stops, 0);
}

}  // namespace
}  // namespace troupe::http
