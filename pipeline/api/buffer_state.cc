#include "pipeline/api/buffer_state.h"

#include "storage/base/civil_time.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <string_view>

namespace troupe::api {
namespace {

/// As warnings of queries have it (ingest::watermarks).
constexpr int64_t behind_ms = 60'000;
constexpr int64_t ms_per_second = 1000;
/// The order they are told in.
constexpr std::array<std::string_view, 6> states{"failed", "spooling", "draining",
                                                 "away",   "behind",   "gaps"};

std::string whole_seconds(int64_t ms) {
  return format_duration(ms / ms_per_second * ms_per_second);
}

class teller {
 public:
  void tell(const topics::publication_state& p) {
    const std::string who = "publish " + quoted(p.name);
    const std::string waits = fmt::format("{} bytes of the log wait", p.lag_bytes);
    if (!p.up && !p.down_since)
      add("failed", who, p.last_error);
    else if (!p.up)
      add("spooling", who, fmt::format("since {}, {}", format_rfc3339(*p.down_since), waits));
    else if (p.lag_ms > behind_ms)
      add("draining", who, fmt::format("{} behind, {}", whole_seconds(p.lag_ms), waits));
    else
      out_.lines += who + ": ok\n";
  }
  void tell(const topics::consumption_state& c) {
    const std::string who = "consume " + quoted(c.name);
    const size_t before = out_.lines.size();
    if (!c.up && c.down_since)
      add("away", who, "since " + format_rfc3339(*c.down_since));
    else if (!c.up)
      add("failed", who, c.last_error);
    else if (c.lag.ms > behind_ms)
      add("behind", who, fmt::format("by {}, {} records", whole_seconds(c.lag.ms), c.lag.records));
    if (c.totals.gaps != 0)
      add("gaps", who, fmt::format("{} of {} records", c.totals.gaps, c.totals.gap_records));
    if (out_.lines.size() == before)
      out_.lines += who + ": ok\n";
  }
  buffer_state done() {
    for (const auto state : states)
      if (seen_.contains(state))
        out_.summary.append(out_.summary.empty() ? "" : ", ").append(state);
    if (out_.summary.empty() && !out_.lines.empty())
      out_.summary = "ok";
    return std::move(out_);
  }

 private:
  void add(std::string_view state, const std::string& who, std::string_view what) {
    seen_.insert(state);
    out_.lines += fmt::format("{}: {}{}{}\n", who, state, what.empty() ? "" : " ", what);
  }

  buffer_state out_;
  std::set<std::string_view> seen_;
};

}  // namespace

buffer_state buffer_state_of(const topics::topic_board& board) {
  teller t;
  for (const auto& p : board.published())
    t.tell(p);
  for (const auto& c : board.consumed())
    t.tell(c);
  return t.done();
}

}  // namespace troupe::api
