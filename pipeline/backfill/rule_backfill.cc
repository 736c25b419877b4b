#include "pipeline/backfill/rule_backfill.h"

#include "pipeline/client/api_answer.h"
#include "pipeline/http/snappy_encoder.h"
#include "pipeline/remote/write_encoder.h"
#include "pipeline/rules/group_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <map>

namespace troupe::backfill {
namespace {

const double stale = std::bit_cast<double>(stale_nan_bits);

std::string seconds(timestamp_ms t) {
  return fmt::format("{}.{:03}", t / 1000, t % 1000);
}

/// The instants of a group within a time: first, first + interval, …, at most last.
struct instants {
  timestamp_ms first = 0, last = -1;
  int64_t interval_ms = 1;

  uint64_t count() const {
    return last < first ? 0 : static_cast<uint64_t>((last - first) / interval_ms) + 1;
  }
};

instants instants_of(const rules::group_definition& g, const rule_backfill_options& o) {
  const int64_t step = g.interval_ms;
  const int64_t offset = rules::group_offset(g.file, g.name, step);
  const int64_t behind = (o.start - offset) % step;
  const timestamp_ms first =
      behind == 0 ? o.start : o.start + (behind > 0 ? step - behind : -behind);
  return {first, o.end, step};
}

/// Writes samples of recorded series, in order of time for each, and waits until they are stored.
class recorder {
 public:
  recorder(client::api_client& server, const rule_backfill_options& o, const clock& clk)
      : server_(server), options_(o), clock_(clk) {}

  status add(const labels& series, std::span<const sample> samples) {
    const auto encoded = remote::encode_series_labels(series);
    while (!samples.empty()) {
      const size_t room = options_.samples_per_request - waiting_;
      const auto part = samples.first(std::min(room, samples.size()));
      encoder_.add(encoded, part);
      waiting_ += part.size();
      samples = samples.subspan(part.size());
      if (waiting_ == options_.samples_per_request)
        TROUPE_TRY(flush());
    }
    return {};
  }

  status flush() {
    if (waiting_ == 0)
      return {};
    std::string body;
    http::snappy(encoder_.request(), body);
    const int64_t give_up_ns = clock_.monotonic_ns() + options_.retry_ms * 1'000'000;
    for (;;) {
      server_.write(0, body);
      std::vector<http::fetch_result> got;
      while (got.empty())
        got = server_.answers(1'000);
      const auto& answer = got.front();
      if (answer.error.ok())
        break;
      const bool lasting = answer.code / 100 == 4 && answer.code != 429;
      if (lasting || clock_.monotonic_ns() > give_up_ns)
        return answer.error.with_context("storing");
      server_.answers(pause_ms);  // nothing is under way: a pause
    }
    samples_ += waiting_;
    waiting_ = 0;
    encoder_.clear();
    return {};
  }

  uint64_t samples() const { return samples_; }

 private:
  static constexpr int64_t pause_ms = 500;

  client::api_client& server_;
  const rule_backfill_options& options_;
  const clock& clock_;
  remote::write_encoder encoder_;
  size_t waiting_ = 0;
  uint64_t samples_ = 0;
};

/// Puts a stale marker where a series ends: at the first instant that lacks it.
class series_ends {
 public:
  explicit series_ends(const instants& all) : all_(all) {}

  /// The samples of a series in one part of the time, with the markers that are due before and
  /// between them.
  std::vector<sample> with_markers(const labels& series, const std::vector<sample>& found) {
    std::vector<sample> out;
    out.reserve(found.size() + 1);
    timestamp_ms& expected = open_.try_emplace(series, found.front().ts).first->second;
    for (const auto& s : found) {
      if (s.ts != expected)
        out.push_back({expected, stale});
      out.push_back(s);
      expected = s.ts + all_.interval_ms;
    }
    return out;
  }

  /// Series that are not there at `last` any more, all parts up to it read: each with its marker.
  std::vector<std::pair<labels, sample>> ended_by(timestamp_ms last) {
    std::vector<std::pair<labels, sample>> out;
    for (auto it = open_.begin(); it != open_.end();) {
      if (it->second > last) {
        ++it;
        continue;
      }
      out.push_back({it->first, {it->second, stale}});
      it = open_.erase(it);
    }
    return out;
  }

 private:
  const instants& all_;
  std::map<labels, timestamp_ms> open_;  ///< by series: the instant after its last sample
};

class rule_run {
 public:
  rule_run(const rules::group_definition& g, const rules::rule_definition& r, const instants& all,
           const rule_backfill_options& o, client::api_client& server, recorder& to)
      : group_(g), rule_(r), all_(all), options_(o), server_(server), to_(to), ends_(all_) {
    // What the rules read and write is so far behind their instants.
    all_.first -= g.query_offset_ms;
    all_.last -= g.query_offset_ms;
  }

  /// `instants_done` goes up with each part.
  status run(const std::function<void(uint64_t)>& instants_done) {
    for (timestamp_ms t = all_.first; t <= all_.last;) {
      const timestamp_ms last =
          std::min(all_.last, t + (options_.points_per_query - 1) * all_.interval_ms);
      TROUPE_TRY(run_part(t, last));
      const uint64_t n = instants{t, last, all_.interval_ms}.count();
      instants_done(n);
      t += static_cast<int64_t>(n) * all_.interval_ms;
    }
    return {};
  }

 private:
  status run_part(timestamp_ms first, timestamp_ms last) {
    TROUPE_ASSIGN(const auto body,
                  server_.call("/api/v1/query_range", {{"query", rule_.expr},
                                                       {"start", seconds(first)},
                                                       {"end", seconds(last)},
                                                       {"step", seconds(all_.interval_ms)}}));
    TROUPE_ASSIGN(auto found, client::parse_matrix(body));
    if (group_.limit > 0 && found.size() > group_.limit)
      return {errc::resource_exhausted,
              fmt::format("exceeded limit of {} with {} series", group_.limit, found.size())};
    std::vector<labels> names;
    for (const auto& s : found) {
      if (!s.histograms.empty())
        return {errc::invalid_argument,
                "gives native histograms, which the query API does not answer in full"};
      names.push_back(rules::recorded_labels(rule_, s.series));
    }
    auto sorted = names;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      return {errc::invalid_argument,
              "vector contains metrics with the same labelset after applying rule labels"};
    for (size_t i = 0; i < found.size(); ++i)
      if (!found[i].samples.empty())
        TROUPE_TRY(to_.add(names[i], ends_.with_markers(names[i], found[i].samples)));
    for (const auto& [series, marker] : ends_.ended_by(last))
      TROUPE_TRY(to_.add(series, {&marker, 1}));
    // The next rule may read this one.
    return to_.flush();
  }

  const rules::group_definition& group_;
  const rules::rule_definition& rule_;
  instants all_;
  const rule_backfill_options& options_;
  client::api_client& server_;
  recorder& to_;
  series_ends ends_;
};

}  // namespace

result<rule_backfill_report> backfill_rules(std::span<const rules::group_definition_ptr> groups,
                                            const rule_backfill_options& options,
                                            client::api_client& server, const clock& clk,
                                            client::progress& shown) {
  rule_backfill_report report;
  uint64_t total = 0, done = 0;
  for (const auto& g : groups)
    for (const auto& r : g->rules)
      total += r.alerting ? 0 : instants_of(*g, options).count();
  recorder to(server, options, clk);
  for (const auto& g : groups) {
    const auto all = instants_of(*g, options);
    for (const auto& r : g->rules) {
      if (r.alerting) {
        ++report.alerts_passed_over;
        continue;
      }
      ++report.rules;
      rule_run run(*g, r, all, options, server, to);
      if (auto s = run.run([&](uint64_t n) { shown.update(done += n, total); }); !s.ok())
        return s.with_context(
            fmt::format("{}: group \"{}\": rule \"{}\"", g->file, g->name, r.name));
    }
  }
  report.samples = to.samples();
  return report;
}

}  // namespace troupe::backfill
