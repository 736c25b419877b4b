// Queries of which places evaluate parts: the same bits as over all series here.
#include "tests/query/engine/expression_maker.h"
#include "tests/query/engine/places.h"

#include <gtest/gtest.h>

#include <limits>

namespace troupe::query {
namespace {

constexpr int64_t second = 1000;

engine_options without_delayed_names() {
  engine_options o = engine_options::everything();
  o.enable_delayed_name_removal = false;
  return o;
}

class Parts : public ::testing::Test {
 protected:
  Parts() : random(11), evaluator(without_delayed_names(), clock), world(evaluator) {}

  manual_clock clock;
  seeded_random random;
  engine evaluator;
  places world;

  // Sums of these depend on their order.
  double rough() {
    constexpr double scales[] = {1e-9, 1e-3, 1, 1e3, 1e9, 1e15};
    return (static_cast<double>(random.below(2'000'000)) - 1e6) * scales[random.below(6)] / 7;
  }
  double value(std::string_view metric) {
    if (random.below(60) == 0)
      return stale_nan();
    if (metric == "z") {
      const double few[] = {0.0,         -0.0, 1, 1, 2, -1, std::numeric_limits<double>::infinity(),
                            normal_nan()};
      return few[random.below(std::size(few))];
    }
    return rough();
  }

  void fill(std::string_view metric, const std::vector<std::pair<std::string, std::string>>& more) {
    for (size_t place = 0; place < places::count; ++place) {
      for (const std::string job : {"api", "db"}) {
        for (const std::string instance : {"0", "1", "2"}) {
          if (random.below(6) == 0)
            continue;
          auto pairs = more;
          pairs.emplace_back("__name__", metric);
          pairs.emplace_back("job", job);
          pairs.emplace_back("instance", instance);
          if (random.below(3) == 0)
            pairs.emplace_back("zone", std::to_string(random.below(2)));
          if (random.below(3) == 0)
            pairs.emplace_back("A", std::to_string(random.below(2)));
          fill(place, labels::from(pairs), metric);
        }
      }
    }
  }
  void fill(size_t place, const labels& series, std::string_view metric) {
    const bool counter = metric == "c_total" || metric == "b_bucket";
    double total = 0;
    for (timestamp_ms ts = static_cast<timestamp_ms>(random.below(400)) * second;
         ts < 1200 * second; ts += 15 * second) {
      if (random.below(12) == 0)
        continue;
      total = random.below(40) == 0 ? 0 : total + std::abs(rough());
      if (metric == "h")
        world.append(place, series, ts, native(total));
      else
        world.append(place, series, ts, counter ? total : value(metric));
    }
  }
  static histogram_ptr native(double total) {
    auto h = std::make_shared<histogram>();
    h->count = std::floor(total);
    h->sum = total / 3;
    h->positive_spans = {{0, 2}};
    h->positive_buckets = {std::floor(h->count / 2), std::ceil(h->count / 2)};
    return h;
  }
  void fill_all() {
    for (const std::string_view metric : {"m", "n", "z", "c_total", "h", "target_info"})
      fill(metric, {});
    for (const std::string le : {"0.1", "1", "+Inf"})
      fill("b_bucket", {{"le", le}});
  }

  result<query_result> here(std::string_view text, timestamp_ms at) {
    return evaluator.instant(world.all, "", text, at);
  }
  result<query_result> parted(std::string_view text, timestamp_ms at, query_overrides o = {}) {
    o.parts = &world;
    return evaluator.instant(world.all, "", text, at, o);
  }
  result<query_result> here(std::string_view text, timestamp_ms from, timestamp_ms to) {
    return evaluator.range(world.all, "", text, from, to, 45 * second);
  }
  result<query_result> parted(std::string_view text, timestamp_ms from, timestamp_ms to,
                              query_overrides o = {}) {
    o.parts = &world;
    return evaluator.range(world.all, "", text, from, to, 45 * second, o);
  }

  struct tally {
    size_t expressions = 0, failed = 0, asked = 0, answered = 0, whole = 0;
  };
  // Evaluates each expression both ways, at an instant and over a range.
  tally compare(uint64_t seed, size_t count) {
    expression_maker maker(seed);
    tally out;
    for (size_t i = 0; i < count; ++i) {
      const std::string text = maker.expression();
      const auto at = static_cast<timestamp_ms>(300 + random.below(1000)) * second;
      const auto parsed = parse(text, without_delayed_names().parse);
      EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.error().message();
      if (!parsed.ok())
        continue;
      const size_t asked = world.asked;
      const size_t answered = world.answered;
      world.texts.clear();
      const auto want = here(text, at);
      const auto got = parted(text, at);
      EXPECT_EQ(exact(got), exact(want)) << text << " at " << at << "\n"
                                         << (got.ok() ? "" : got.error().message()) << "\n"
                                         << (want.ok() ? "" : want.error().message());
      const auto from = static_cast<timestamp_ms>(random.below(600)) * second;
      const auto to = from + static_cast<timestamp_ms>(random.below(700)) * second;
      EXPECT_EQ(exact(parted(text, from, to)), exact(here(text, from, to)))
          << text << " from " << from << " to " << to;
      ++out.expressions;
      out.failed += want.ok() ? 0 : 1;
      out.asked += world.asked > asked ? 1 : 0;
      out.answered += world.answered > answered ? 1 : 0;
      out.whole += !world.texts.empty() && world.texts[0] == to_string(unwrap_parens(**parsed));
    }
    return out;
  }
};

TEST_F(Parts, GiveTheBitsOfTheWhole) {
  fill_all();
  const tally t = compare(3, 800);
  EXPECT_GT(t.answered, t.expressions * 3 / 4) << "hardly anything was evaluated elsewhere";
  EXPECT_GT(t.whole, t.expressions / 5);
  EXPECT_LT(t.failed, t.expressions / 3);
}

// One place has two series that could be matched, another one those to match them with.
TEST_F(Parts, FailWhereTheWholeFails) {
  const auto append = [&](size_t place, std::string_view text) {
    world.append(place, *parse_series_labels(text), 0, 1.0);
  };
  append(1, "b{i=\"1\"}");
  append(1, "b{i=\"2\"}");
  append(2, "a{i=\"1\"}");
  for (const std::string_view text : {"a + on (region) b", "b * on (region) group_right () a",
                                      "a > ignoring (i) group_left () b"}) {
    EXPECT_EQ(here(text, 0).code(), errc::execution) << text;
    EXPECT_EQ(parted(text, 0).code(), errc::execution) << text;
  }
  EXPECT_GT(world.answered, 0U);
}

TEST_F(Parts, MayBeRefusedAtAnyTime) {
  fill_all();
  world.refuse_one_in = 3;
  const tally t = compare(5, 200);
  EXPECT_GT(t.answered, t.expressions / 2);
}

TEST_F(Parts, MayHaveHistograms) {
  fill_all();
  world.take_histograms = true;
  const tally t = compare(7, 200);
  EXPECT_GT(t.answered, t.expressions / 2);
}

}  // namespace
}  // namespace troupe::query
