#include "pipeline/bench/target_farm.h"
#include "tests/pipeline/http/client_fixture.h"

#include <atomic>
#include <thread>

namespace troupe::bench {
namespace {

class Farm : public http::test::client_fixture {
 protected:
  void serve(farm_options o, size_t width = 40) {
    shape_ = *make_synthetic_profile("busy", width);
    farm_ = std::make_unique<target_farm>(shape_, o);
    const auto s = farm_->open();
    ASSERT_TRUE(s.ok()) << s.to_string();
    thread_ =
        std::thread([this] { EXPECT_TRUE(farm_->run([this] { return stop_.load(); }).ok()); });
  }
  void TearDown() override { end(); }
  void end() {
    stop_ = true;
    if (thread_.joinable())
      thread_.join();
  }
  http::fetch_result get(const std::string& host_and_path) {
    return client_fixture::get(
        fetcher_, to("http://" + host_and_path, {}, {{"Accept-Encoding", "zstd, gzip"}}));
  }
  std::string at(size_t target) const { return farm_->instance(target) + "/metrics"; }
  /// The body of a target's nth scrape.
  std::string expected(size_t target, int n) const {
    auto source = shape_->source(3, target);
    std::vector<double> row(shape_->width());
    for (int i = 0; i < n; ++i)
      source->next(row);
    std::string out;
    render_exposition(*shape_, row, out);
    return out;
  }

  profile_ptr shape_;
  std::unique_ptr<target_farm> farm_;
  http::asio_fetcher fetcher_{{}, clock_, nullptr};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST_F(Farm, EachTargetIsAHostAndEachScrapeItsNextRow) {
  serve({0, 300, 3, true});
  EXPECT_EQ(farm_->instance(0).substr(0, 10), "127.1.0.0:");
  EXPECT_EQ(farm_->instance(299).substr(0, 11), "127.1.1.43:");
  for (const int n : {1, 2, 3}) {
    const auto r = get(at(299));
    EXPECT_EQ(r.code, 200) << r.error.to_string();
    EXPECT_EQ(r.content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(r.body, expected(299, n));
    EXPECT_LT(r.wire_bytes, r.body.size()) << "not compressed";
  }
  EXPECT_EQ(get(at(7)).body, expected(7, 1));
  EXPECT_EQ(get(farm_->instance(0) + "/count").body, "4\n");
  end();
  EXPECT_EQ(farm_->rows(299), 3u);
  EXPECT_EQ(farm_->rows(7), 1u);
  EXPECT_EQ(farm_->counts().scrapes, 4u);
  EXPECT_EQ(farm_->counts().samples, 160u);
}

TEST_F(Farm, PlainBodiesWhenAskedFor) {
  serve({0, 2, 3, false});
  const auto r = get(at(1));
  EXPECT_EQ(r.body, expected(1, 1));
  end();
  EXPECT_EQ(farm_->counts().wire_bytes, r.body.size());
}

// Far more than a socket buffer takes at once.
TEST_F(Farm, LargeBodiesArriveWhole) {
  serve({0, 1, 3, false}, 200'000);
  const auto r = get(at(0));
  ASSERT_EQ(r.code, 200) << r.error.to_string();
  EXPECT_GT(r.body.size(), 6U << 20);
  EXPECT_TRUE(r.body == expected(0, 1));
}

TEST_F(Farm, ListsItsTargetsAndKnowsNoOthers) {
  serve({0, 2, 3, true});
  const auto sd = get(farm_->instance(0) + "/sd");
  EXPECT_EQ(sd.content_type, "application/json");
  EXPECT_EQ(sd.body,
            "[{\"targets\": [\"" + farm_->instance(0) + "\", \"" + farm_->instance(1) + "\"]}]\n");
  EXPECT_EQ(get(farm_->instance(2) + "/metrics").code, 404);
  EXPECT_EQ(get("127.0.0.1:" + std::to_string(farm_->port()) + "/metrics").code, 404);
  EXPECT_EQ(get("127.0.0.1:" + std::to_string(farm_->port()) + "/count").body, "0\n");
  EXPECT_EQ(get(farm_->instance(0) + "/other").code, 404);
}

TEST_F(Farm, DropsWhoSendsNoRequest) {
  serve({0, 1, 3, true});
  auto s = http::test::raw_socket::connect("127.0.0.1:" + std::to_string(farm_->port()));
  s.send(std::string(20'000, 'x'));
  bool ended = false;
  s.read_all(5000, &ended);
  EXPECT_TRUE(ended);
}

TEST_F(Farm, SaysWhichPortIsTaken) {
  serve({0, 1, 3, true});
  target_farm second(shape_, {farm_->port(), 1, 3, true});
  const auto s = second.open();
  EXPECT_EQ(s.code(), errc::io_error);
  EXPECT_NE(s.message().find(std::to_string(farm_->port())), std::string::npos);
}

}  // namespace
}  // namespace troupe::bench
