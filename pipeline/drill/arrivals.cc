#include "pipeline/drill/arrivals.h"

#include "pipeline/client/node_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe::drill {
namespace {

constexpr int64_t every_ns = 100'000'000;
constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t margin_ms = 5'000;

// Two values of each series in one answer, so that they belong together.
std::string newest_and_count(const audit_series& series, int64_t window_s) {
  const std::string range = fmt::format("{}[{}s]", series.selector(), window_s);
  return fmt::format(R"(label_replace(last_over_time({0}),"of","newest","","") or )"
                     R"(label_replace(count_over_time({0}),"of","count","",""))",
                     range);
}

}  // namespace

query_range range_of(const audit_series& series, timestamp_ms now) {
  const timestamp_ms at = now + margin_ms;
  return {at, (at - series.time_of(1) + margin_ms) / 1000 + 1};
}

arrivals::arrivals(const audit_writer& written, size_t node, traffic& over, const clock& clk)
    : written_(written), node_(node), over_(over), clock_(clk), there_(written.series().count()) {}

void arrivals::turn() {
  const int64_t now_ns = clock_.monotonic_ns();
  if (under_way_ || now_ns < next_ns_)
    return;
  under_way_ = true;
  next_ns_ = now_ns + every_ns;
  const auto range = range_of(written_.series(), clock_.now_ms());
  over_.post(node_, "/api/v1/query",
             {{"query", newest_and_count(written_.series(), range.window_s)},
              {"time", fmt::format("{}", static_cast<double>(range.at) / 1000)}},
             [this, now_ns](const reply& r) { answered(now_ns, r); });
}

void arrivals::answered(int64_t asked_ns, const reply& r) {
  under_way_ = false;
  const uint64_t before = newest_of_all();
  status s = r.error.ok() ? read(r.body) : r.error;
  const int64_t now_ns = clock_.monotonic_ns();
  if (!s.ok()) {
    if (failed_.ok())
      failing_since_ns_ = now_ns;
    failed_ = s.with_context(over_.url(node_));
    return;
  }
  failed_ = {};
  known_at_ns_ = asked_ns;
  if (measured_)
    time_new_ones(before, now_ns);
}

status arrivals::read(std::string_view body) {
  TROUPE_ASSIGN(const auto all, client::parse_vector(body));
  std::vector<state_of_series> there(there_.size());
  for (const auto& e : all) {
    const uint32_t i = written_.series().number_of(e.series);
    if (i == there.size() || !(e.value >= 0 && e.value < 1e15))
      continue;
    const auto n = static_cast<uint64_t>(e.value);
    if (e.series.get("of") == "newest")
      there[i].newest = std::max(there[i].newest, n);
    else
      there[i].count += n;
  }
  there_ = std::move(there);
  return {};
}

void arrivals::time_new_ones(uint64_t before, int64_t now_ns) {
  const uint64_t now = std::min(newest_of_all(), written_.acked());
  for (uint64_t n = before + 1; n <= now; ++n)
    measured_->push_back(std::max<int64_t>(now_ns - written_.acked_at_ns(n), 0) / ns_per_ms);
}

uint64_t arrivals::newest_of_all() const {
  uint64_t out = UINT64_MAX;
  for (const auto& s : there_)
    out = std::min(out, s.newest);
  return out;
}

bool arrivals::reaches(uint64_t n) const {
  return newest_of_all() >= n;
}

bool arrivals::whole_to(uint64_t n) const {
  return std::all_of(there_.begin(), there_.end(),
                     [&](const auto& s) { return s.newest >= n && s.count >= s.newest; });
}

uint64_t arrivals::furthest() const {
  uint64_t out = 0;
  for (const auto& s : there_)
    out = std::max(out, s.newest);
  return out;
}

uint64_t arrivals::count_to(uint64_t n) const {
  uint64_t out = 0;
  for (const auto& s : there_)
    out += std::min(s.count, n);
  return out;
}

shortfall arrivals::missing_of(uint64_t acked, timestamp_ms now) const {
  shortfall out;
  for (const auto& s : there_) {
    if (s.count >= acked)
      continue;
    out.samples += acked - s.count;
    out.ms = std::max(out.ms, now - written_.series().time_of(s.count + 1));
  }
  return out;
}

std::optional<int64_t> arrivals::take_usual_ms() {
  auto all = std::exchange(measured_, std::nullopt).value_or(std::vector<int64_t>());
  if (all.empty())
    return std::nullopt;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), middle, all.end());
  return *middle;
}

status arrivals::error() const {
  const bool is_long = clock_.monotonic_ns() - failing_since_ns_ > gone_ns;
  return !failed_.ok() && is_long ? failed_ : status();
}

}  // namespace troupe::drill
