// Replays that break off and go on: nothing is missed, and the state never runs ahead of the
// receiver.
#include "storage/base/random.h"
#include "tests/pipeline/replay/replay_kit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::replay {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t partitions = 3;

struct resume_kit : replay_kit {
  explicit resume_kit(uint64_t seed) : random(seed) {
    kafka.make("metrics", partitions);
    for (uint32_t p = 0; p < partitions; ++p) {
      node_writer n(kafka, "metrics", p, 7, 1 + random.below(30));
      for (int64_t s = 0; s < 200; ++s) {
        if (random.below(20) == 0)
          n.begin_segment();
        n.write(hour_zero + s * second);
        for (const auto& [key, value] : n.written())
          if (key.second == hour_zero + s * second)
            at[{p, s}].push_back({key, value});
      }
      written.insert(n.written().begin(), n.written().end());
    }
    kafka.records_a_poll = 1 + random.below(50);
    options.slack_ms = 10 * second;
    options.subject.window = {hour_zero + 20 * second, hour_zero + 180 * second};
    options.save_ms = 0;
    on_keep = [this](const places& now) { check(now); };
  }

  /// All samples of the window in records before a place have arrived.
  void check(const places& now) {
    for (const auto& [p, place] : now)
      for (auto& s = checked[p]; s < (place.finished ? 200 : place.next); ++s)
        for (const auto& [key, value] : at[{p, s}])
          if (options.subject.window.holds(key.second)) {
            ASSERT_TRUE(to.got.contains(key)) << p << " " << s << " of " << place.next;
          }
  }
  sample_map expected() const {
    return within(written, options.subject.window.from, options.subject.window.to);
  }

  seeded_random random;
  std::map<uint32_t, int64_t> checked;  ///< records, by partition
  sample_map written;
  std::map<std::pair<uint32_t, int64_t>, std::vector<sample_map::value_type>> at;
};

TEST(replay_resume, after_failures_at_random_requests_every_sample_is_there) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    resume_kit k(seed);
    k.options.sender.retry_ms = 0;
    size_t runs = 0;
    for (;; ++runs) {
      ASSERT_LT(runs, 200u);
      const uint64_t good = k.to.requests.size() + k.random.below(60);
      k.to.fail = [&](uint64_t, auto) -> std::optional<http::fetch_result> {
        if (k.to.requests.size() >= good)
          return answer(0);
        return std::nullopt;
      };
      const auto r = k.run(k.kept);
      if (r.failed.ok()) {
        EXPECT_TRUE(r.is_whole());
        break;
      }
      EXPECT_THAT(std::string(r.failed.message()), HasSubstr("the receiver takes nothing"));
    }
    EXPECT_EQ(k.to.got, k.expected());
    for (uint32_t p = 0; p < partitions; ++p)
      EXPECT_TRUE(k.kept[p].finished || k.kept[p].next == 200);
    // Nothing is left to do.
    k.to.fail = nullptr;
    const auto before = k.to.requests.size();
    EXPECT_TRUE(k.run(k.kept).is_whole());
    EXPECT_EQ(k.to.requests.size(), before);
  }
}

TEST(replay_resume, a_stop_ends_it_with_the_state_kept) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    resume_kit k(seed);
    const uint64_t good = 1 + k.random.below(40);
    k.stopped = [&] { return k.to.requests.size() >= good; };
    const auto r = k.run();
    EXPECT_EQ(r.failed.code(), errc::canceled);
    EXPECT_EQ(k.to.requests.size(), good);
    EXPECT_FALSE(r.is_whole());
    k.stopped = [] { return false; };
    EXPECT_TRUE(k.run(k.kept).is_whole());
    EXPECT_EQ(k.to.got, k.expected());
  }
}

TEST(replay_resume, a_state_that_cannot_be_kept_ends_the_run) {
  resume_kit k(1);
  client::progress silent(nullptr, k.clk, "records");
  const auto r = replay_topic(
      k.options,
      {k.kafka, [&](auto p, const std::string& body) { return k.to.write(p, body); }, k.clk,
       [&](int64_t ms) { k.clk.advance_ms(ms); }, [] { return false; },
       [](const places&) { return status(errc::no_space, "the disk is full"); }, silent},
      {});
  EXPECT_EQ(r.failed.message(), "the disk is full");
}

TEST(replay_resume, what_was_removed_meanwhile_is_a_gap) {
  resume_kit k(3);
  k.options.subject.window = {};
  k.on_keep = [](const places&) {};
  k.kafka.trim("metrics", 1, 80);
  const auto r = k.run({{1, {50, false}}});
  EXPECT_EQ(r.total.gaps, 1u);
  EXPECT_THAT(r.notes, ::testing::ElementsAre("partition 1: offsets 50 to 79 are gone"));
}

}  // namespace
}  // namespace troupe::replay
