#include "pipeline/replay/time_search.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace troupe::replay {
namespace {

/// Times by offset; absent: there is no such record.
using partition = std::vector<std::optional<timestamp_ms>>;

struct answer {
  int64_t offset = 0;
  size_t probes = 0;
};

answer search(const partition& in, timestamp_ms wanted, int64_t first, time_search::care how) {
  time_search s(wanted, first, static_cast<int64_t>(in.size()), how);
  answer out;
  for (; !s.done(); ++out.probes) {
    EXPECT_LT(out.probes, 2000u);
    auto at = static_cast<size_t>(s.probe());
    EXPECT_GE(s.probe(), first);
    while (at < in.size() && !in[at])
      ++at;
    if (at < in.size())
      s.found(static_cast<int64_t>(at), *in[at]);
    else
      s.found_nothing();
  }
  out.offset = s.answer();
  return out;
}

/// The first at or behind the time, holes before it left out.
bool is_right(const partition& in, int64_t found, timestamp_ms wanted, int64_t first) {
  for (int64_t i = first; i < found; ++i)
    if (in[static_cast<size_t>(i)] >= wanted)
      return false;
  for (auto i = static_cast<size_t>(found); i < in.size(); ++i)
    if (in[i])
      return *in[i] >= wanted;
  return true;
}

TEST(time_search, finds_the_first_with_few_looks) {
  seeded_random random(1);
  for (int round = 0; round < 300; ++round) {
    partition in;
    timestamp_ms ts = 1000;
    for (uint64_t n = random.below(500); n > 0; --n) {
      ts += static_cast<timestamp_ms>(random.below(5));
      in.push_back(random.below(8) == 0 ? std::nullopt : std::optional(ts));
    }
    const auto first = static_cast<int64_t>(random.below(in.size() + 1));
    for (const auto how : {time_search::care::guess, time_search::care::look}) {
      const auto wanted = 990 + static_cast<timestamp_ms>(random.below(1200));
      const auto got = search(in, wanted, first, how);
      EXPECT_TRUE(is_right(in, got.offset, wanted, first)) << round;
      EXPECT_LE(got.probes, 24u);
    }
  }
}

TEST(time_search, old_records_among_younger_ones_do_not_hide_them) {
  seeded_random random(2);
  for (int round = 0; round < 300; ++round) {
    partition in;
    for (timestamp_ms t = 0; t < 2000; ++t)
      in.push_back(t);
    // A queue of old records, not longer than what was written since the time that is wanted.
    const auto wanted = static_cast<timestamp_ms>(random.below(1000));
    const auto at = wanted + 1 + static_cast<timestamp_ms>(random.below(900));
    const auto length = random.below(static_cast<uint64_t>(at - wanted) / 2 + 1);
    in.insert(in.begin() + at, length, 0);
    const auto got = search(in, wanted, 0, time_search::care::look);
    EXPECT_EQ(got.offset, wanted) << round;
    EXPECT_LE(got.probes, 80u);
  }
}

TEST(time_search, what_is_gone_is_no_answer) {
  time_search s(50, 0, 100, time_search::care::look);
  EXPECT_EQ(s.probe(), 50);
  s.cut(80);
  while (!s.done())
    s.found(s.probe(), s.probe());
  EXPECT_EQ(s.answer(), 80);
}

}  // namespace
}  // namespace troupe::replay
