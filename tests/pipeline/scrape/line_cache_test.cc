// The cached path must give what a fresh parse gives, whatever happens to a body between two
// scrapes.
#include "storage/base/random.h"
#include "tests/pipeline/scrape/exporter_body.h"
#include "tests/pipeline/scrape/fixture.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace troupe::scrape {
namespace {

strings split(const std::string& body) {
  strings out;
  for (size_t at = 0; at < body.size();) {
    const auto eol = body.find('\n', at);
    out.push_back(body.substr(at, eol - at));
    at = eol + 1;
  }
  return out;
}
std::string join(const strings& lines) {
  std::string out;
  for (const auto& l : lines)
    out += l + "\n";
  return out;
}

// One random change of a body.
void mutate(strings& lines, seeded_random& random, bool may_break) {
  if (lines.empty())
    lines.push_back("first 1");
  const auto any = [&] { return random.below(lines.size()); };
  const auto at = any();
  const auto space = lines[at].rfind(' ');
  switch (random.below(may_break ? 14 : 12)) {
    case 0:
      std::swap(lines[at], lines[any()]);
      break;
    case 1:
      lines.erase(lines.begin() + static_cast<ptrdiff_t>(at));
      break;
    case 2:
      lines.insert(lines.begin() + static_cast<ptrdiff_t>(at),
                   "new_" + std::to_string(random.below(50)) + " 7");
      break;
    case 3:
      lines.insert(lines.begin() + static_cast<ptrdiff_t>(any()), lines[at]);
      break;
    case 4:
      if (lines[at][0] != '#' && space != std::string::npos)
        lines[at] =
            lines[at].substr(0, space) + " " + std::to_string(random.below(1'000'000)) + ".25";
      break;
    case 5:
      if (lines[at][0] != '#')
        lines[at] += " " + std::to_string(1'000 + random.below(5));
      break;
    case 6:
      if (const auto brace = lines[at].find('{'); lines[at][0] != '#' && brace != std::string::npos)
        lines[at].insert(brace + 1, "x=\"" + std::to_string(random.below(5)) + "\",");
      break;
    case 7:
      lines[at] = random.below(2) ? "# TYPE any histogram" : "# TYPE any gauge";
      break;
    case 8:
      if (lines[at][0] != '#' && space != std::string::npos)
        lines[at] = lines[at].substr(0, space) + (random.below(2) ? "  NaN" : "\t-Inf ");
      break;
    case 9:
      for (size_t i = lines.size() - 1; i > 0; --i)
        std::swap(lines[i], lines[random.below(i + 1)]);
      break;
    case 10:
      lines.insert(lines.begin() + static_cast<ptrdiff_t>(at), random.below(2) ? "" : "  # note");
      break;
    case 11:
      lines.resize(at);
      break;
    case 12:
      lines[at] += "x";
      break;
    default:
      lines[at] = "{} 1";
      break;
  }
}

// What Prometheus' rules make of a body, told by a reader that knows nothing.
struct model {
  std::set<std::string> tracked;

  strings expect(const config::scrape_config& c, const std::string& body, timestamp_ms time,
                 bool& ok) {
    one_target fresh(c, 7);
    fresh.time = time - 10'000;
    const auto r = fresh.scrape(body);
    ok = r.error.ok();
    std::set<std::string> now;
    strings out = lines_of(*r.batch);
    if (ok)
      fresh.memory.tracked.for_each(
          [&](uint32_t p) { now.insert(fresh.memory.series.at(p).to_string()); });
    for (const auto& s : tracked)
      if (!now.count(s))
        out.push_back(fmt::format("{} stale @{}", s, time));
    std::sort(out.begin(), out.end());
    tracked = std::move(now);
    return out;
  }
};

void run_random(const config::scrape_config& c, uint64_t seed, bool may_break) {
  seeded_random random(seed);
  one_target cached(c);
  model m;
  strings lines = split(exporter_body(0, {2, 2, 4}));
  for (int round = 0; round < 40; ++round) {
    for (uint64_t n = random.below(4); n > 0; --n)
      mutate(lines, random, may_break);
    if (may_break && random.below(4) == 0)
      lines = split(exporter_body(round, {2, 2, 4}));
    const auto body = join(lines);
    bool ok = false;
    const auto want = m.expect(c, body, cached.time + 10'000, ok);
    const auto got = cached.scrape(body);
    ASSERT_EQ(got.error.ok(), ok) << "seed " << seed << " round " << round << ": "
                                  << got.error.message();
    ASSERT_EQ(lines_of(*got.batch), want) << "seed " << seed << " round " << round << "\n" << body;
    ASSERT_EQ(report_of(*got.batch, "up"), ok ? 1 : 0);
  }
}

TEST(LineCache, EqualsAFreshParseUnderRandomChanges) {
  for (uint64_t seed = 0; seed < 400; ++seed)
    run_random(make_config(), seed, false);
}

TEST(LineCache, EqualsAFreshParseWithBrokenBodiesInBetween) {
  for (uint64_t seed = 0; seed < 400; ++seed)
    run_random(make_config(), seed, true);
}

TEST(LineCache, EqualsAFreshParseWithRelabelling) {
  auto c = make_config();
  config::relabel_config drop;
  drop.action = config::relabel_action::drop;
  drop.source_labels = {"mode"};
  drop.regex = "i.*";
  config::relabel_config merge;
  merge.action = config::relabel_action::labeldrop;
  merge.regex = "x|cpu";
  c.metric_relabel_configs = {drop, merge};
  c.track_timestamps_staleness = true;
  for (uint64_t seed = 0; seed < 200; ++seed)
    run_random(c, seed, true);
}

TEST(LineCache, AnUnchangedBodyIsNotTokenisedAgain) {
  one_target t;
  auto r = t.scrape(exporter_body(1));
  EXPECT_EQ(r.counts.known_lines, 0u);
  const auto lines = split(exporter_body(1)).size();
  EXPECT_EQ(r.counts.new_lines, lines);
  const auto table = r.batch->table;
  for (int tick = 2; tick < 20; ++tick) {
    r = t.scrape(exporter_body(tick));
    EXPECT_EQ(r.counts.known_lines, lines);
    EXPECT_EQ(r.counts.new_lines, 0u);
    EXPECT_EQ(r.counts.series_added, 0u);
    EXPECT_EQ(r.batch->table, table) << "the table is shared";
  }
  EXPECT_FALSE(t.memory.series.has_index()) << "what a quiet target does not need is given back";
}

TEST(LineCache, MovedLinesAreStillKnown) {
  one_target t;
  t.scrape(exporter_body(1));
  auto lines = split(exporter_body(2));
  std::reverse(lines.begin(), lines.end());
  // Context decides how le and quantile are read: TYPE lines stay in front.
  strings ordered = {};
  for (const auto& l : split(exporter_body(2)))
    if (l[0] != '#' && l.find("le=") == std::string::npos &&
        l.find("quantile") == std::string::npos)
      ordered.push_back(l);
  std::reverse(ordered.begin(), ordered.end());
  auto r = t.scrape("# TYPE node_cpu_seconds_total counter\n" + join(ordered));
  EXPECT_GT(r.counts.known_lines, 30u);
  const auto first_unknown = r.counts.new_lines;
  r = t.scrape("# TYPE node_cpu_seconds_total counter\n" + join(ordered));
  EXPECT_EQ(r.counts.new_lines, 0u) << "the new order was learnt";
  EXPECT_GT(first_unknown, 0u) << "gauges under the TYPE of a counter";
}

TEST(LineCache, MemoryFollowsChurn) {
  one_target t;
  for (int round = 0; round < 300; ++round) {
    std::string body;
    for (int i = 0; i < 50; ++i)
      body += fmt::format("churn{{i=\"{}\"}} 1\n", round * 25 + i);
    const auto r = t.scrape(body);
    ASSERT_EQ(lines_of(*r.batch).size(), round == 0 ? 50u : 75u) << "half of the series go stale";
    ASSERT_LT(t.memory.series.size(), 150u) << "dead positions are given back";
  }
}

TEST(LineCache, BytesPerSeries) {
  one_target t;
  exporter_size n;
  n.cpus = 16;
  t.scrape(exporter_body(1, n));
  for (int i = 0; i < 10; ++i)
    t.scrape(exporter_body(2 + i, n));
  const double per_series = static_cast<double>(t.memory.heap_bytes()) / t.memory.series.size();
  RecordProperty("bytes_per_series", std::to_string(per_series));
  EXPECT_LT(per_series, 250) << "labels, table, slots and lines together";
}

}  // namespace
}  // namespace troupe::scrape
