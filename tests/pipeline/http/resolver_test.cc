#include "pipeline/http/resolver.h"

#include "storage/base/clock.h"
#include "tests/pipeline/http/raw_socket.h"

#include <gtest/gtest.h>

#include <atomic>

namespace troupe::http::test {
namespace {

class ResolverTest : public ::testing::Test {
 protected:
  /// The first address or the error.
  std::string ask(resolver& r, const std::string& host) {
    std::atomic<bool> done{false};
    std::string out;
    r.resolve(host, [&](const result<addresses>& got) {
      out = got.ok() ? (**got)[0] : std::string(got.error().message());
      done = true;
    });
    EXPECT_TRUE(eventually([&] { return done.load(); }));
    return out;
  }
  static resolver_options with(lookup_fn lookup, size_t max_entries = 100) {
    resolver_options o;
    o.lookup = std::move(lookup);
    o.max_entries = max_entries;
    return o;
  }
  manual_clock clock_;
};

TEST_F(ResolverTest, RemembersForItsTimeToLive) {
  std::atomic<int> asked{0};
  resolver r(with([&](const std::string&) {
               return std::vector<std::string>{"10.0.0." + std::to_string(++asked)};
             }),
             clock_);
  EXPECT_EQ(ask(r, "h"), "10.0.0.1");
  EXPECT_EQ(ask(r, "h"), "10.0.0.1");
  clock_.advance_ms(29'000);
  EXPECT_EQ(ask(r, "h"), "10.0.0.1");
  clock_.advance_ms(2'000);
  EXPECT_EQ(ask(r, "h"), "10.0.0.2");
  EXPECT_EQ(r.lookups(), 2u);
}

TEST_F(ResolverTest, UsesAnOldAnswerWhileLookupsFail) {
  std::atomic<bool> broken{false};
  resolver r(with([&](const std::string&) -> result<std::vector<std::string>> {
               if (broken)
                 return {errc::unavailable, "no name server"};
               return std::vector<std::string>{"10.0.0.1"};
             }),
             clock_);
  EXPECT_EQ(ask(r, "h"), "10.0.0.1");
  broken = true;
  clock_.advance_ms(100'000);
  EXPECT_EQ(ask(r, "h"), "10.0.0.1");
  EXPECT_EQ(ask(r, "new"), "no name server");
  clock_.advance_ms(300'000);
  EXPECT_EQ(ask(r, "h"), "no name server");
}

TEST_F(ResolverTest, RemembersFailuresForAShortTime) {
  resolver r(with([](const std::string&) -> result<std::vector<std::string>> {
               return {errc::unavailable, "no"};
             }),
             clock_);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(ask(r, "h"), "no");
  EXPECT_EQ(r.lookups(), 1u);
  clock_.advance_ms(2'100);
  ask(r, "h");
  EXPECT_EQ(r.lookups(), 2u);
}

TEST_F(ResolverTest, AsksOnceForAllThatWait) {
  std::atomic<bool> go{false};
  std::atomic<int> answered{0};
  resolver r(with([&](const std::string&) {
               eventually([&] { return go.load(); });
               return std::vector<std::string>{"10.0.0.1"};
             }),
             clock_);
  for (int i = 0; i < 50; ++i)
    r.resolve("h", [&](const result<addresses>&) { ++answered; });
  go = true;
  EXPECT_TRUE(eventually([&] { return answered == 50; }));
  EXPECT_EQ(r.lookups(), 1u);
}

TEST_F(ResolverTest, BoundsItsCache) {
  resolver r(with([](const std::string&) { return std::vector<std::string>{"10.0.0.1"}; }, 10),
             clock_);
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(ask(r, "h" + std::to_string(i)), "10.0.0.1");
}

TEST_F(ResolverTest, StopFailsWhatWaits) {
  std::atomic<bool> go{false};
  std::atomic<int> canceled{0};
  resolver r(with([&](const std::string&) {
               eventually([&] { return go.load(); });
               return std::vector<std::string>{"10.0.0.1"};
             }),
             clock_);
  for (int i = 0; i < 10; ++i)
    r.resolve("h" + std::to_string(i), [&](const result<addresses>& got) {
      canceled += got.code() == errc::canceled ? 1 : 0;
    });
  std::thread stopper([&] { r.stop(); });
  EXPECT_TRUE(eventually([&] { return canceled == 10; }));
  go = true;
  stopper.join();
}

TEST(IpLiteralTest, TellsLiteralsFromNames) {
  for (std::string ip : {"127.0.0.1", "::1", "fe80::1%eth0", "::ffff:1.2.3.4"})
    EXPECT_TRUE(is_ip_literal(ip)) << ip;
  for (std::string name : {"localhost", "1.2.3", "a.b.c.d", "", "::g"})
    EXPECT_FALSE(is_ip_literal(name)) << name;
}

}  // namespace
}  // namespace troupe::http::test
