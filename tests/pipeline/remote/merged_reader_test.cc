#include "pipeline/remote/merged_reader.h"

#include "pipeline/remote/read_server.h"
#include "storage/base/clock.h"
#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

namespace troupe::remote {
namespace {

labels up(std::string i) {
  return labels::from({{"__name__", "up"}, {"i", std::move(i)}});
}

class MergedReaderTest : public ::testing::Test {
 protected:
  MergedReaderTest() {
    merged_environment env;
    env.local = &local;
    env.longest_wait_ms = 5'000;
    env.compress = [](std::string_view raw) { return std::string(raw); };
    env.local_start = [this] { return local_start; };
    env.clk = &clk;
    env.fetch = [this](std::vector<http::fetch_request> requests, const std::atomic<bool>* stop) {
      cancel = stop;
      std::vector<http::fetch_result> out;
      for (auto& r : requests)
        out.push_back(serve(r));
      return out;
    };
    reader = std::make_unique<merged_reader>(std::move(env));
    remote_config.url = "http://user:pw@far/api/v1/read";
    remote_config.name = "far";
    remote_config.read_recent = true;
  }

  /// The other server.
  http::fetch_result serve(const http::fetch_request& r) {
    asked.push_back(*decode_read_request(r.body));
    timeouts.push_back(r.timeout_ms);
    if (answer)
      return *answer;
    http::fetch_result out;
    out.code = 200;
    auto request = asked.back();
    if (streams) {
      out.content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
      read_stream stream(far, request, far_labels, 1 << 20);
      while (*stream.next(out.body)) {
      }
    } else {
      out.content_type = "application/x-protobuf";
      query::budget budget(clk, 0, UINT64_MAX, 1 << 30, nullptr);
      query::held held(budget);
      out.body = *read_all(far, request, far_labels, 0, budget, held);
    }
    return out;
  }

  void use(config::global_config global = {}) {
    const read_endpoint_factory endpoints =
        [this](const std::string& url, const config::http_client_config&,
               http::headers fixed) -> result<http::endpoint_ptr> {
      EXPECT_EQ(url, remote_config.url);
      sent_headers = std::move(fixed);
      return http::endpoint_ptr();
    };
    auto source = remote_source::create(remote_config, global, endpoints, metrics);
    ASSERT_TRUE(source.ok());
    reader->set_sources({*source});
  }

  std::string select(matchers ms, timestamp_ms mint = 0, timestamp_ms maxt = 10'000) {
    auto q = reader->open("", mint, maxt);
    if (!q.ok())
      return std::string(q.error().message());
    auto set = (*q)->select({}, ms);
    if (!set.ok())
      return std::string(set.error().message());
    std::string out;
    while ((*set)->next()) {
      storage::sample_columns c;
      if (const auto s = (*set)->read(mint, maxt, c); !s.ok())
        return std::string(s.message());
      out += (*set)->series().to_string();
      for (size_t i = 0; i < c.ts.size(); ++i)
        out += " " + std::to_string(c.ts[i]) + ":" + std::to_string(static_cast<int>(c.values[i]));
      for (const auto& row : c.histograms)
        out += " " + std::to_string(row.ts) + ":h";
      out += "\n";
    }
    for (const auto& w : (*q)->warnings())
      out += "warning: " + w + "\n";
    return out;
  }
  std::string all(timestamp_ms mint = 0, timestamp_ms maxt = 10'000) {
    return select({matcher::equal("__name__", "up")}, mint, maxt);
  }

  manual_clock clk;
  registry metrics;
  memory_queryable local, far;
  external_labels far_labels;
  config::remote_read_config remote_config;
  http::headers sent_headers;
  timestamp_ms local_start = 0;
  bool streams = true;
  std::optional<http::fetch_result> answer;
  std::vector<read_request> asked;
  std::vector<int64_t> timeouts;
  const std::atomic<bool>* cancel = nullptr;
  std::unique_ptr<merged_reader> reader;
};

TEST_F(MergedReaderTest, WithoutRemotesItIsTheLocalOne) {
  local.append(up("1"), 1000, 1);
  EXPECT_EQ(all(), "up{i=\"1\"} 1000:1\n");
  EXPECT_TRUE(asked.empty());
}

TEST_F(MergedReaderTest, SeriesOfBothAreOne) {
  use();
  local.append(up("1"), 3000, 3);
  local.append(up("2"), 1000, 2);
  far.append(up("1"), 1000, 1);
  far.append(up("1"), 3000, 3);
  far.append(up("0"), 1000, 7);
  auto h = std::make_shared<histogram>();
  h->schema = 1;
  far.append(up("9"), 2000, histogram_ptr(h));
  const std::string want =
      "up{i=\"0\"} 1000:7\nup{i=\"1\"} 1000:1 3000:3\nup{i=\"2\"} 1000:2\nup{i=\"9\"} 2000:h\n";
  EXPECT_EQ(all(), want);
  streams = false;
  EXPECT_EQ(all(), want);
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].queries.at(0).start, 0);
  EXPECT_EQ(asked[0].queries.at(0).end, 10'000);
  EXPECT_EQ(timeouts[0], 5'000) << "no longer than a query may take";
  EXPECT_EQ(http::find_header(sent_headers, "X-Prometheus-Remote-Read-Version"), "0.1.0");
}

TEST_F(MergedReaderTest, AFailingRemoteGivesAWarning) {
  use();
  local.append(up("1"), 1000, 1);
  http::fetch_result r;
  r.code = 500;
  r.body = "out of order\n";
  answer = r;
  EXPECT_EQ(
      all(),
      "up{i=\"1\"} 1000:1\nwarning: remote_read: remote server http://xxxxx:xxxxx@far/api/v1/read "
      "returned http status 500: out of order\n");
  answer->error = status(errc::timeout, "no answer within 60000 ms");
  EXPECT_NE(all().find("warning: remote_read: error sending request to http://xxxxx:xxxxx@far"),
            std::string::npos);
  answer = http::fetch_result();
  answer->code = 200;
  answer->content_type = "text/html";
  EXPECT_NE(all().find("content type \"text/html\""), std::string::npos);
  answer->content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
  answer->body = "exceeded something";
  EXPECT_NE(all().find("warning: remote_read: answer of"), std::string::npos);
}

TEST_F(MergedReaderTest, ExternalLabelsAreAskedForAndTakenAway) {
  config::global_config global;
  global.external_labels = {{"region", "x"}};
  far_labels = global.external_labels;
  far.append(up("1"), 1000, 1);
  use(global);
  EXPECT_EQ(all(), "up{i=\"1\"} 1000:1\n");
  EXPECT_EQ(asked.back().queries[0].ms.back(), matcher::equal("region", "x"));
  const auto named = select({matcher::equal("__name__", "up"), matcher::equal("region", "x")});
  EXPECT_EQ(named, "up{i=\"1\", region=\"x\"} 1000:1\n") << "who asks for it gets it";
  remote_config.filter_external_labels = false;
  use(global);
  EXPECT_EQ(all(), "up{i=\"1\", region=\"x\"} 1000:1\n");
}

TEST_F(MergedReaderTest, RequiredMatchers) {
  remote_config.required_matchers = {{"__name__", "up"}, {"i", "1"}};
  use();
  far.append(up("1"), 1000, 1);
  EXPECT_EQ(all(), "");
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(select({matcher::equal("i", "1"), matcher::equal("__name__", "up")}),
            "up{i=\"1\"} 1000:1\n");
}

TEST_F(MergedReaderTest, WhatIsStoredHereIsNotAskedFor) {
  remote_config.read_recent = false;
  use();
  local_start = 5000;
  (void)all(6000, 10'000);
  EXPECT_TRUE(asked.empty());
  (void)all(1000, 10'000);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].queries[0].end, 5000);
}

TEST_F(MergedReaderTest, AQueryWaitsNoLongerThanItsOwnTime) {
  use();
  const std::atomic<bool> gone{false};
  const auto door = reader->for_query(3'000, &gone);
  clk.advance_ms(1'000);
  auto q = door->open("", 0, 10'000);
  ASSERT_TRUE((*q)->select({}, matchers{matcher::equal("a", "b")}).ok());
  EXPECT_EQ(timeouts.back(), 2'000);
  EXPECT_EQ(cancel, &gone);
  clk.advance_ms(60'000);
  ASSERT_TRUE((*q)->select({}, matchers{matcher::equal("a", "b")}).ok());
  EXPECT_EQ(timeouts.back(), 1);
}

TEST_F(MergedReaderTest, OtherTenantsStayHere) {
  use();
  ASSERT_TRUE(reader->open("t", 0, 1).ok());
  EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace troupe::remote
