#include "pipeline/global/global_querier.h"

#include "pipeline/global/list_answer.h"
#include "pipeline/global/matching.h"
#include "pipeline/global/questions.h"
#include "pipeline/remote/read_answer.h"
#include "storage/chunk/series_merge.h"

#include <algorithm>

namespace troupe::global {
namespace {

using storage::querier;
using storage::select_hints;
using storage::series_set;

/// As Prometheus' chunked_read_limit.
constexpr uint64_t max_frame_bytes = 50'000'000;
/// What a region says whose list is as long as it was asked for.
constexpr std::string_view truncated = "results truncated due to limit";

// Series without samples, in label order.
class listed_series final : public series_set {
 public:
  explicit listed_series(std::set<labels> all) : all_(std::move(all)) {}
  bool next() override {
    if (begun_ && at_ != all_.end())
      ++at_;
    else if (!begun_)
      at_ = all_.begin();
    begun_ = true;
    return at_ != all_.end();
  }
  const labels& series() const override { return *at_; }
  status read(timestamp_ms, timestamp_ms, storage::sample_columns&) override { return {}; }

 private:
  const std::set<labels> all_;
  std::set<labels>::const_iterator at_;
  bool begun_ = false;
};

result<list_answer> read_list(http::fetch_result&& answer) {
  TROUPE_ASSIGN(auto list, parse_list(answer.body));
  std::erase(list.warnings, truncated);
  return list;
}

std::vector<std::string> cut(const std::set<std::string>& all, size_t limit) {
  std::vector<std::string> out(all.begin(), all.end());
  if (limit != 0 && out.size() > limit)
    out.resize(limit);
  return out;
}

}  // namespace

result<std::unique_ptr<querier>> global_querier::replicas(const region& of) {
  TROUPE_ASSIGN(auto q, view_.local_->open("", mint_, maxt_));
  return share_of(std::move(q), {"", {}, of.name()}, mint_, maxt_);
}

status global_querier::ask_series(const select_hints& hints, std::span<const matcher> ms,
                                  series_sets& out) {
  const auto meanwhile = [&]() -> status {
    if (!view_.options_.local)
      return {};
    TROUPE_ASSIGN(auto stored, local_->select(hints, ms));
    out.push_back(std::move(stored));
    return {};
  };
  if (hints.function == "series")
    return view_.ask(
        ms,
        [&](const matchers& own) {
          return series_question({own, mint_, maxt_, hints.limit});
        },
        meanwhile,
        [&](const region_ptr& from, http::fetch_result&& answer) -> status {
          TROUPE_ASSIGN(const auto list, read_list(std::move(answer)));
          view_.warn_of(*from, list.warnings);
          std::set<labels> named;
          labels_builder b;
          for (const auto& s : list.series) {
            b.reset(s);
            named.insert(b.set(region_label, from->name()).build());
          }
          out.push_back(std::make_unique<listed_series>(std::move(named)));
          return {};
        });
  remote::read_query q;
  q.start = mint_;
  q.end = maxt_;
  if (hints.start != 0 || hints.end != 0) {
    q.start = std::max(q.start, hints.start);
    q.end = std::min(q.end, hints.end);
  }
  q.hints = hints;
  return view_.ask(
      ms,
      [&](const matchers& own) {
        q.ms = own;
        return read_question(q, view_.env_.compress);
      },
      meanwhile,
      [&](const region_ptr& from, http::fetch_result&& answer) -> status {
        const auto added = view_.added_labels(from, answer);
        const auto edit = [&](labels_builder& series) {
          for (const auto& name : added)
            series.del(name);
          series.set(region_label, from->name());
          // Who adds labels takes matchers of them for true.
          return std::all_of(ms.begin(), ms.end(),
                             [&](const matcher& m) { return m.matches(series.get(m.name())); });
        };
        TROUPE_ASSIGN(auto set, remote::read_answer(std::move(answer), from->name(), q.start, q.end,
                                                    max_frame_bytes, edit));
        out.push_back(std::move(set));
        return {};
      });
}

result<std::unique_ptr<series_set>> global_querier::select(const select_hints& hints,
                                                           std::span<const matcher> ms) {
  series_sets sets;
  TROUPE_TRY(ask_series(hints, ms, sets));
  for (const auto& r : view_.lost_) {
    TROUPE_ASSIGN(auto q, replicas(*r));
    TROUPE_ASSIGN(auto set, q->select(hints, ms));
    sets.push_back(std::move(set));
    stand_ins_.push_back(std::move(q));
  }
  return sets.size() == 1 ? std::move(sets.front()) : storage::merge_series(std::move(sets));
}

status global_querier::add_local(const look& ask, std::set<std::string>& out) {
  if (!view_.options_.local)
    return {};
  TROUPE_ASSIGN(const auto found, ask(*local_));
  out.insert(found.begin(), found.end());
  return {};
}

status global_querier::add_replicas(const look& ask, std::set<std::string>& out) {
  for (const auto& r : view_.lost_) {
    TROUPE_ASSIGN(const auto q, replicas(*r));
    TROUPE_ASSIGN(const auto found, ask(*q));
    out.insert(found.begin(), found.end());
  }
  return {};
}

result<std::vector<std::string>> global_querier::label_names(std::span<const matcher> ms,
                                                             size_t limit) {
  std::set<std::string> out;
  const look local = [&](querier& q) { return q.label_names(ms, limit); };
  TROUPE_TRY(view_.ask(
      ms,
      [&](const matchers& own) {
        return names_question({own, mint_, maxt_, limit});
      },
      [&] { return add_local(local, out); },
      [&](const region_ptr& from, http::fetch_result&& answer) -> status {
        TROUPE_ASSIGN(const auto list, read_list(std::move(answer)));
        view_.warn_of(*from, list.warnings);
        out.insert(list.texts.begin(), list.texts.end());
        if (!list.texts.empty())
          out.insert(std::string(region_label));
        return {};
      }));
  TROUPE_TRY(add_replicas(local, out));
  return cut(out, limit);
}

result<std::vector<std::string>> global_querier::label_values(std::string_view name,
                                                              std::span<const matcher> ms,
                                                              size_t limit) {
  std::set<std::string> out;
  const bool of_region = name == region_label;
  const look local = [&](querier& q) { return q.label_values(name, ms, limit); };
  TROUPE_TRY(view_.ask(
      ms,
      [&](const matchers& own) {
        // All series of a region have its name: is there any?
        return of_region ? names_question({own, mint_, maxt_, 1})
                         : values_question(name, {own, mint_, maxt_, limit});
      },
      [&] { return add_local(local, out); },
      [&](const region_ptr& from, http::fetch_result&& answer) -> status {
        TROUPE_ASSIGN(const auto list, read_list(std::move(answer)));
        view_.warn_of(*from, list.warnings);
        if (!of_region)
          out.insert(list.texts.begin(), list.texts.end());
        else if (!list.texts.empty())
          out.insert(from->name());
        return {};
      }));
  TROUPE_TRY(add_replicas(local, out));
  return cut(out, limit);
}

std::vector<std::string> global_querier::warnings() const {
  auto out = local_->warnings();
  const auto& more = view_.warnings();
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace troupe::global
