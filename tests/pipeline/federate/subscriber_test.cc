// The subscriber's side, then both sides together: whoever dies, every selected sample is stored
// once and nothing else.
#include "pipeline/federate/subscriber.h"

#include "pipeline/federate/stream_http.h"
#include "pipeline/http/bounded_decoder.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/http/url.h"
#include "tests/pipeline/federate/federation_kit.h"

#include <gmock/gmock.h>

namespace troupe::federate {
namespace {

class SubscriberTest : public FederationTest {
 protected:
  SubscriberTest() {
    config::federation_config c;
    c.name = "east";
    c.url = "http://source/";
    c.match = {"{job=\"j\"}"};
    conf.remote_write.clear();
    conf.own.federation = {c};
  }
  config::federation_config& block() { return conf.own.federation.front(); }

  void start_here() {
    subscriber_environment env;
    env.files = &here;
    env.metrics = &figures;
    env.endpoints.settings = [](const config::http_client_config& c) {
      return http::make_client_settings(c, {});
    };
    env.endpoints.endpoint = [](std::string_view url, discover::client_settings_ptr s,
                                http::headers h) {
      return http::make_endpoint(url, std::move(s), std::move(h));
    };
    known = std::make_unique<remote::series_cache>(remote::series_cache::settings{}, log.clk);
    env.known = known.get();
    env.folder = "here/federation";
    env.node = "0000000000000001";
    switches = std::make_unique<stages::stage_switches>(figures);
    env.switches = switches.get();
    to = std::make_unique<subscriber>(std::move(env));
    reload();
  }
  void pause(int64_t ms) {
    switches->pause(stages::stage::federate, "east", ms, "", log.clk.now_ms(),
                    log.clk.monotonic_ns());
  }
  void kill_here() {
    to.reset();
    open.clear();
    results.clear();
    here.kill();
  }
  void kill_source() {
    kill();
    for (const uint64_t token : std::exchange(open, {}))
      take_result(failed(token));
  }
  void reload() { to->apply(std::make_shared<const config::config>(conf)); }

  static http::fetch_result failed(uint64_t token) {
    http::fetch_result r;
    r.token = token;
    r.error = {errc::io_error, "connection refused"};
    return r;
  }
  http::fetch_result as_fetched(uint64_t token, http::response r) {
    http::fetch_result out;
    out.token = token;
    out.code = r.status;
    out.header_fields = std::move(r.header_fields);
    if (http::find_header(out.header_fields, "Content-Encoding") == "snappy")
      out.body = http::bounded_decoder(budget).decode(http::encoding::snappy, r.body)->data;
    else
      out.body = std::move(r.body);
    return out;
  }
  /// A request reaches the source, if it is there.
  void carry(const http::fetch_request& r) {
    http::request at_source;
    at_source.method = r.method;
    at_source.query = *http::parse_form(r.body);
    if (!from)
      return take_result(failed(r.token));
    if (r.method == "DELETE")
      return from->forget(std::string(*at_source.param("subscription"))).ignore();
    open.insert(r.token);
    from->ask(
        *read_request(at_source), nullptr,
        [this, token = r.token](stream_answer a) {
          open.erase(token);
          take_result(as_fetched(token, to_response(std::move(a))));
        },
        log.clk.now_ms(), log.clk.monotonic_ns());
  }
  void take_result(http::fetch_result r) { results.push_back(std::move(r)); }

  void step_here() {
    for (auto& r : std::exchange(results, {})) {
      auto d = to->on_result(std::move(r), log.clk.monotonic_ns());
      if (!d)
        continue;
      std::vector<ingest::outcome> outcomes;
      for (const auto& b : d->batches)
        outcomes.push_back(store(*b));
      if (dies_before_storing)
        continue;
      to->on_stored(d->token, outcomes, log.clk.monotonic_ns());
    }
    for (auto& r : to->step(log.clk.monotonic_ns()))
      carry(r);
  }
  ingest::outcome store(const write_batch& b) {
    if (!refuse.ok())
      return {refuse, {}};
    for (const auto& f : b.floats) {
      const send::sample_key key{b.table->series[f.series].to_string(), f.ts};
      stored[key] = f.value;
      ++times[key];
    }
    ingest::outcome out;
    out.report.accepted = b.sample_count();
    return out;
  }
  void both(int64_t ms) {
    for (int64_t t = 0; t < ms; t += 100) {
      log.clk.advance_ms(100);
      if (from)
        from->step(log.clk.now_ms(), log.clk.monotonic_ns());
      step_here();
    }
  }
  double figure(const std::string& name) {
    const std::string text = figures.render();
    const size_t at = text.find("\ntroupe_federation_" + name + "{");
    if (at == std::string::npos)
      return -1;
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    return std::stod(line.substr(line.rfind(' ')));
  }

  support::sim_file_system here{2};
  registry figures;
  std::shared_ptr<http::byte_budget> budget = std::make_shared<http::byte_budget>(1 << 30);
  std::unique_ptr<remote::series_cache> known;
  std::unique_ptr<stages::stage_switches> switches;
  std::unique_ptr<subscriber> to;
  std::vector<http::fetch_result> results;
  std::set<uint64_t> open;  ///< requests at the source
  std::map<send::sample_key, double> stored;
  std::map<send::sample_key, int> times;
  status refuse;
  bool dies_before_storing = false;
};

using Both = SubscriberTest;
using Subscriber = SubscriberTest;

TEST_F(Both, WhateverDiesEverySampleIsStoredOnce) {
  limits.most_entries = 40;
  start();
  start_here();
  for (int i = 0; i < 24; ++i) {
    write(7, "a");
    write(7, "b", 5);
    both(200 + 100 * (i % 7));
    if (i % 3 == 0) {
      kill_source();
      start();
    } else if (i % 3 == 1) {
      kill_here();
      write(2, "a");
      start_here();
    }
  }
  both(8000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(figure("gaps_total"), 0);
  EXPECT_EQ(figure("restarts_total"), 1);
  EXPECT_LT(figure("lag_seconds"), 1);
}

TEST_F(Both, APausedOneTakesNothingAndGoesOnByItself) {
  start();
  start_here();
  write(5);
  both(1000);
  const auto before = stored;
  ASSERT_EQ(before, written);
  pause(30'000);
  for (int i = 0; i < 29; ++i) {
    write(2);
    both(1000);
    ASSERT_EQ(stored, before) << "what waited at the source is dropped, too";
  }
  EXPECT_TRUE(open.empty()) << "nothing is asked";
  EXPECT_GE(figure("lag_seconds"), 28);
  both(3000);
  EXPECT_EQ(stored, written);
  for (const auto& [key, n] : times)
    EXPECT_EQ(n, 1) << key.first;
  EXPECT_EQ(figure("restarts_total"), 1);
  EXPECT_EQ(figure("gaps_total"), 0);
  EXPECT_LT(figure("lag_seconds"), 1);
}

TEST_F(Both, OneThatIsResumedGoesOnAtOnce) {
  start();
  start_here();
  write(5);
  both(1000);
  pause(600'000);
  write(5);
  both(5000);
  EXPECT_TRUE(switches->resume(stages::stage::federate, "east", log.clk.monotonic_ns()));
  both(1000);
  EXPECT_EQ(stored, written);
}

TEST_F(Both, WhatWasNotStoredComesAgain) {
  start();
  start_here();
  write(5);
  refuse = {errc::unavailable, "replaying"};
  both(1000);
  EXPECT_TRUE(stored.empty());
  EXPECT_GT(figure("errors_total"), 0);
  refuse = {};
  both(6000);
  EXPECT_EQ(stored, written);
  // Killed after storing, before the place was written down: it comes again, which storage knows.
  write(5);
  dies_before_storing = true;
  both(1000);
  EXPECT_EQ(stored, written);
  kill_here();
  dies_before_storing = false;
  start_here();
  both(1000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(times.begin()->second, 1);
  EXPECT_EQ(times.rbegin()->second, 2);
}

TEST_F(Both, ANewestSampleIsStoredWithinASecond) {
  start();
  start_here();
  both(3000);
  for (int i = 0; i < 20; ++i) {
    write(1);
    both(800);
    EXPECT_EQ(stored, written);
    both(100 * i);
  }
}

TEST_F(Both, AChangeOfTheConfigurationGoesOnAndAnEndIsSaid) {
  start();
  start_here();
  write(3, "a");
  write(3, "b");
  both(1000);
  EXPECT_EQ(stored, written);
  block().match = {"{instance=\"a\"}"};
  reload();
  write(3, "a");
  write(3, "b");
  both(1000);
  EXPECT_EQ(stored.size(), written.size() - 9);
  EXPECT_EQ(figure("restarts_total"), 1);
  EXPECT_EQ(door->holds().size(), 1u);
  conf.own.federation.clear();
  reload();
  both(200);
  EXPECT_TRUE(to->empty());
  EXPECT_TRUE(door->holds().empty());
  EXPECT_THAT(here.files("here/federation"), testing::IsEmpty());
}

TEST_F(Both, OtherDataAtTheSourceAndADamagedPlaceBeginAnewLoudly) {
  start();
  start_here();
  write(5);
  both(1000);
  source_id = 9;
  kill_source();
  start();
  both(1000);
  EXPECT_EQ(figure("restarts_total"), 2);
  const auto files = here.files("here/federation");
  ASSERT_EQ(files.size(), 1u);
  kill_here();
  here.flip_bit(files[0], 30, 2);
  start_here();
  both(1000);
  EXPECT_EQ(figure("restarts_total"), 3);
  EXPECT_EQ(stored, written);
}

TEST_F(Subscriber, TriesAgainMoreAndMoreSeldomAndTellsTheLag) {
  start_here();
  int64_t asked = 0;
  for (int i = 0; i < 600; ++i) {
    log.clk.advance_ms(100);
    for (auto& r : std::exchange(results, {}))
      to->on_result(std::move(r), log.clk.monotonic_ns());
    for (auto& r : to->step(log.clk.monotonic_ns())) {
      ++asked;
      results.push_back(failed(r.token));
    }
  }
  EXPECT_GE(asked, 12);
  EXPECT_LE(asked, 20);
  EXPECT_GT(figure("lag_seconds"), 55);
}

TEST_F(Subscriber, AsksTheSourceAndSaysWhoItIs) {
  block().url = "http://source:9090/prefix/";
  block().labels = {{"region", "east"}};
  start_here();
  const auto requests = to->step(log.clk.monotonic_ns());
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].to->target(), "/prefix/api/v1/federation/stream");
  EXPECT_EQ(requests[0].method, "POST");
  http::request r;
  r.query = *http::parse_form(requests[0].body);
  const auto read = read_request(r);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->subscription, "east-0000000000000001");
  EXPECT_EQ(read->labels.at("region"), "east");
  EXPECT_EQ(read->keep_bytes, 4ull << 30);
  EXPECT_GT(requests[0].timeout_ms, read->wait_ms);
}

TEST_F(Subscriber, SamplesThatAreNoneAreAnError) {
  start_here();
  auto requests = to->step(log.clk.monotonic_ns());
  stream_answer a;
  a.body = "\xff\xff\xff";
  a.cursor = "x";
  auto r = to_response(a);
  http::fetch_result got;
  got.token = requests[0].token;
  got.code = 200;
  got.header_fields = r.header_fields;
  got.body = a.body;
  EXPECT_FALSE(to->on_result(std::move(got), log.clk.monotonic_ns()));
  EXPECT_EQ(figure("errors_total"), 1);
  to->stop();
  log.clk.advance_ms(60'000);
  EXPECT_TRUE(to->step(log.clk.monotonic_ns()).empty());
  EXPECT_TRUE(to->idle());
}

}  // namespace
}  // namespace troupe::federate
