// One region: its nodes in turn, so many requests at one time, and what is known of it.
#include "tests/pipeline/global/global_fixture.h"

namespace troupe::global {
namespace {

class RegionTest : public GlobalViewTest {
 protected:
  void make(config::global_view_config c) {
    config::own_config all;
    all.global_view = {std::move(c)};
    auto made = view->regions_of(all);
    ASSERT_TRUE(made.ok());
    it = made->at(0);
  }
  region::errand_ptr ask(int64_t timeout_ms = 8'000) {
    return it->ask({"GET", "/api/v1/labels", {{"Accept-Encoding", "gzip"}}, ""},
                   clk.monotonic_ns() + timeout_ms * 1'000'000,
                   [this](region_answer a) { got.push_back(std::move(a)); });
  }
  std::string hosts() const {
    std::string out;
    for (const auto& a : asked)
      out += a.substr(0, a.find(':')) + " ";
    return out;
  }
  double count(const std::string& outcome) {
    return metrics
        .get_counter("troupe_global_view_requests_total", "",
                     {{"region", "eu"}, {"outcome", outcome}})
        .value();
  }

  region_ptr it;
  std::vector<region_answer> got;
};

TEST_F(RegionTest, TheNextNodeIsAskedWhenOneDoesNotAnswer) {
  make(block("eu", {"http://a:1", "http://b:1/", "http://c:1"}));
  servers["a:1"].how = mood::refuses;
  servers["b:1"].how = mood::fails;
  servers["b:1"].code = 503;
  ask();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(got[0].error.ok());
  EXPECT_EQ(got[0].result.code, 200);
  EXPECT_EQ(hosts(), "a b c ");
  EXPECT_EQ(timeouts, (std::vector<int64_t>{2'666, 4'000, 8'000})) << "shares of what is left";
  EXPECT_EQ(it->state().state, "up");
  EXPECT_EQ(it->state().urls.front(), "http://c:1");
  EXPECT_NE(it->state().last_error.find("http://b:1: HTTP status 503: no good"), std::string::npos);
  asked.clear();
  ask();
  EXPECT_EQ(hosts(), "c ") << "the one that answered last";
  EXPECT_EQ(count("answered"), 2);
}

TEST_F(RegionTest, ANodeThatFailedIsAskedLastForAWhile) {
  make(block("eu", {"http://a:1", "http://b:1"}));
  servers["a:1"].how = mood::refuses;
  servers["b:1"].how = mood::refuses;
  ask();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].error.code(), errc::unavailable);
  EXPECT_EQ(got[0].error.message(),
            "region \"eu\" did not answer: http://a:1: connect: Connection refused; http://b:1: "
            "connect: Connection refused");
  EXPECT_EQ(it->state().state, "down");
  EXPECT_EQ(count("failed"), 1);
  servers["b:1"].how = mood::answers;
  asked.clear();
  clk.advance_ms(10'001);
  ask();  // a fails again, b answers
  servers["b:1"].how = mood::refuses;
  servers["a:1"].how = mood::answers;
  ask();  // b fails now: a, though it failed of late
  ask();  // a answered last, b is shunned
  EXPECT_EQ(hosts(), "a b b a a ");
  EXPECT_EQ(count("answered"), 3);
}

TEST_F(RegionTest, WhatIsWrongWithTheQuestionIsAnAnswer) {
  make(block("eu", {"http://a:1", "http://b:1"}));
  servers["a:1"].how = mood::fails;
  for (const int code : {400, 413, 422}) {
    servers["a:1"].code = code;
    ask();
    EXPECT_TRUE(got.back().refused()) << code;
  }
  EXPECT_EQ(hosts(), "a a a ");
  EXPECT_EQ(count("refused"), 3);
  servers["a:1"].code = 404;
  ask();
  EXPECT_TRUE(got.back().error.ok());
  EXPECT_EQ(hosts(), "a a a a b ");
}

TEST_F(RegionTest, TooLongAnAnswerIsNotAskedForTwice) {
  auto c = block("eu", {"http://a:1", "http://b:1"});
  c.max_answer_bytes = 10;
  make(c);
  ask();
  EXPECT_EQ(hosts(), "a ");
  EXPECT_EQ(got[0].error.message(),
            "region \"eu\" did not answer: http://a:1: the body is too large");
}

TEST_F(RegionTest, SoManyAtOneTimeInOrder) {
  auto c = block("eu", {"http://a:1"});
  c.max_concurrent = 2;
  make(c);
  servers["a:1"].how = mood::is_held;
  std::vector<region::errand_ptr> errands;
  for (int i = 0; i < 5; ++i)
    errands.push_back(ask());
  EXPECT_EQ(held.size(), 2u);
  EXPECT_EQ(it->state().in_flight, 2u);
  EXPECT_EQ(it->state().waiting, 3u);
  EXPECT_TRUE(it->give_up(errands[2])) << "it was waiting";
  EXPECT_FALSE(it->give_up(errands[0])) << "it is under way and keeps its place";
  EXPECT_EQ(it->state().in_flight, 2u);
  release();
  EXPECT_TRUE(got.empty()) << "nobody waits for it any more";
  EXPECT_EQ(count("given_up"), 1);
  EXPECT_EQ(held.size(), 2u);
  release();
  release();
  release();
  EXPECT_EQ(got.size(), 3u);
  EXPECT_EQ(it->state().in_flight, 0u);
  EXPECT_EQ(metrics.get_gauge("troupe_global_view_inflight", "", {{"region", "eu"}}).value(), 0);
}

TEST_F(RegionTest, AnUnchangedBlockKeepsItsRegion) {
  use_two_regions();
  config::own_config c;
  c.global_view = {block("us", {"http://us:9090"}), block("eu", {"http://other:9090"})};
  const auto before = view->regions_of(c);
  view->set_regions(*before, "");
  c.global_view[1].max_concurrent = 3;
  const auto after = view->regions_of(c);
  EXPECT_EQ(before->at(0), after->at(0));
  EXPECT_NE(before->at(1), after->at(1));
  c.global_view[0].client.tls.ca = "no certificate";
  const auto bad = view->regions_of(c);
  ASSERT_FALSE(bad.ok());
  EXPECT_TRUE(bad.error().message().starts_with("global_view \"us\": ")) << bad.error().message();
}

}  // namespace
}  // namespace troupe::global
