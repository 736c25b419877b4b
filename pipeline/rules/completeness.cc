#include "pipeline/rules/completeness.h"

#include "query/parser/selectors.h"
#include "storage/base/duration.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <set>

namespace troupe::rules {
namespace {

constexpr int64_t ms_per_second = 1000;
/// What is told instead, when senders have not had the time to come back after a start.
constexpr std::string_view unknown_senders = "senders after the start";

// What watermarks tell of goes by another name among the senders.
std::set<std::string> told_by(const ingest::watermarks* board) {
  std::set<std::string> out;
  if (board != nullptr)
    for (const auto& w : board->list())
      out.insert(w.stage + " " + w.name);
  return out;
}

}  // namespace

rule_selectors selectors_of(const group_definition& group) {
  rule_selectors out(group.rules.size());
  for (size_t i = 0; i < out.size(); ++i)
    for (const auto* selector : query::selectors_in(*group.rules[i].parsed))
      out[i].push_back(selector->match);
  return out;
}

missing_data missing_of(const rule_selectors& rules, timestamp_ms until,
                        timestamp_ms complete_until, timestamp_ms now, const input_boards& boards) {
  missing_data out;
  const auto late = boards.watermarks != nullptr ? boards.watermarks->behind(until, now)
                                                 : std::vector<ingest::watermark>();
  for (const auto& w : late) {
    const missing_source source{w.stage + " " + quoted(w.name), w.complete_until};
    // Whoever is paged is not to read of seconds.
    const timestamp_ms known = w.complete_until == min_time ? w.since_ms : w.complete_until;
    const bool worth_a_note = until - known > ingest::watermarks::tolerance_ms;
    bool concerns = false;
    for (size_t i = 0; i < rules.size(); ++i) {
      if (!ingest::watermarks::concerns(w, rules[i]))
        continue;
      concerns = true;
      if (!worth_a_note)
        continue;
      out.notes.resize(rules.size());
      out.notes[i] += (out.notes[i].empty() ? "" : ", ") + describe({source}, until);
    }
    if (concerns)
      out.sources.push_back(source);
  }
  if (complete_until >= until)
    return out;
  if (complete_until == min_time)
    out.sources.push_back({std::string(unknown_senders), min_time});
  if (boards.marks == nullptr)
    return out;
  const auto elsewhere = told_by(boards.watermarks);
  for (const auto& s : boards.marks->behind(until, now))
    if (!elsewhere.contains(s.name))
      out.sources.push_back({"sender " + s.name, s.complete_until});
  return out;
}

std::string describe(const std::vector<missing_source>& sources, timestamp_ms until) {
  std::string out;
  for (const auto& s : sources) {
    out += (out.empty() ? "" : ", ") + s.name;
    if (s.complete_until == min_time) {
      out += s.name == unknown_senders ? " may not be back" : " has brought nothing yet";
      continue;
    }
    const int64_t behind = std::max((until - s.complete_until) / ms_per_second, int64_t{1});
    out += " is " + format_duration(behind * ms_per_second) + " behind";
  }
  return out;
}

}  // namespace troupe::rules
