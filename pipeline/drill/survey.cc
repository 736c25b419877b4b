#include "pipeline/drill/survey.h"

#include "storage/base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace troupe::drill {
namespace {

constexpr int64_t most_clock_off_ms = 1'000;
/// An idle link tells how far it is every 10 s.
constexpr double most_lag_s = 30;

using client::node_stage;

std::string without_slash(std::string url) {
  while (url.ends_with('/'))
    url.pop_back();
  return url;
}

status refused(const node_facts& n, const std::string& why) {
  return {errc::invalid_argument, n.url + ": " + why};
}

status unwell(const node_facts& n, const std::string& why) {
  return {errc::unavailable, n.url + ": " + why};
}

bool is_on(const node_facts& n, const std::string& flag) {
  const auto at = n.flags.find(flag);
  return at != n.flags.end() && at->second == "true";
}

status check_node(const node_facts& n, bool is_source) {
  if (!is_on(n, "web.enable-admin-api"))
    return refused(n, "the admin API is off (--web.enable-admin-api)");
  if (is_source && !is_on(n, "web.enable-remote-write-receiver"))
    return refused(n, "remote write is off (--web.enable-remote-write-receiver)");
  for (const auto& s : n.stages)
    if (!s.paused_until.empty())
      return unwell(n, fmt::format("{} {} is paused until {}", s.stage, s.name, s.paused_until));
  if (std::abs(n.clock_off_ms) > most_clock_off_ms + n.clock_accuracy_ms)
    return unwell(n, fmt::format("its clock is {} ms {} this machine's", std::abs(n.clock_off_ms),
                                 n.clock_off_ms > 0 ? "ahead of" : "behind"));
  return {};
}

status check_topic(const node_facts& n, const std::string& stage, const std::string& name) {
  for (const auto& t : n.topics) {
    if (t.stage != stage || t.name != name)
      continue;
    if (!t.up)
      return unwell(n, fmt::format("{} {} has no connection: {}", stage, name, t.last_error));
    if (t.lag_seconds > most_lag_s)
      return unwell(n, fmt::format("{} {} is {:.0f} s behind", stage, name, t.lag_seconds));
    return {};
  }
  return unwell(n, fmt::format("{} {} has not begun", stage, name));
}

status check_federation(const node_facts& n, const std::string& name) {
  for (const auto& w : n.watermarks) {
    if (w.stage != "federation" || w.name != name)
      continue;
    if (!w.lag_seconds)
      return unwell(n, "federate " + name + ": nothing has come yet");
    if (*w.lag_seconds > most_lag_s)
      return unwell(n, fmt::format("federate {} is {:.0f} s behind", name, *w.lag_seconds));
    return {};
  }
  return unwell(n, "federate " + name + " has not begun");
}

status check_link(const node_facts& n, const stage_cut& c) {
  return c.stage == "federate" ? check_federation(n, c.name) : check_topic(n, c.stage, c.name);
}

std::set<std::string> topics_of(const node_facts& source) {
  std::set<std::string> out;
  for (const auto& s : source.stages)
    if (s.stage == "publish")
      out.insert(s.other_end);
  return out;
}

/// Whether a stage of another node brings what the source has.
bool is_from(const node_stage& s, const drill_options& options, const node_facts& source,
             const std::set<std::string>& topics) {
  if (s.stage == "publish")
    return false;
  if (!options.region.empty())
    return s.name == options.region;
  return s.stage == "consume" ? topics.contains(s.other_end)
                              : without_slash(s.other_end) == without_slash(source.url);
}

}  // namespace

result<drill_plan> plan_drill(const drill_options& options, const std::vector<node_facts>& nodes) {
  for (size_t i = 0; i < nodes.size(); ++i)
    TROUPE_TRY(check_node(nodes[i], i == 0));
  const node_facts& source = nodes.front();
  const auto topics = topics_of(source);
  const bool brokers = options.kind == drill_kind::brokers;
  if (brokers && topics.empty())
    return refused(source, "it writes into no topic");
  drill_plan out;
  for (size_t i = 0; i < nodes.size(); ++i) {
    bool is_cut = false;
    for (const auto& s : nodes[i].stages) {
      const bool of_source = i != 0 && is_from(s, options, source, topics);
      const bool of_kafka = s.stage != "federate";
      if (brokers ? !of_kafka : !of_source)
        continue;
      out.cuts.push_back({i, s.stage, s.name});
      is_cut = is_cut || of_source;
    }
    if (i == 0)
      continue;
    out.is_cut.push_back(is_cut);
    if (!is_cut && !brokers)
      return refused(nodes[i], options.region.empty()
                                   ? "no block of consume or federation brings what " + source.url +
                                         " has; --region names it"
                                   : "there is no block " + quoted(options.region) +
                                         " of consume or federation");
  }
  if (std::find(out.is_cut.begin(), out.is_cut.end(), true) == out.is_cut.end())
    return refused(source, "no other node takes over its topics");
  for (const auto& c : out.cuts)
    TROUPE_TRY(check_link(nodes[c.node], c));
  const bool by_topic = std::any_of(out.cuts.begin(), out.cuts.end(),
                                    [](const auto& c) { return c.stage == "consume"; });
  if (!brokers && by_topic)
    for (const auto& s : source.stages)
      if (s.stage == "publish")
        TROUPE_TRY(check_topic(source, s.stage, s.name));
  return out;
}

}  // namespace troupe::drill
