#include "tests/support/memory_queryable.h"

#include <algorithm>
#include <set>

namespace troupe {

class memory_queryable::cursor : public storage::series_set {
 public:
  using entry = std::pair<const labels, stored_series>;
  cursor(const memory_queryable& owner, std::vector<const entry*> found, timestamp_ms mint,
         timestamp_ms maxt)
      : owner_(owner), found_(std::move(found)), mint_(mint), maxt_(maxt) {}

  bool next() override { return ++at_ < static_cast<std::ptrdiff_t>(found_.size()); }
  const labels& series() const override { return found_[static_cast<size_t>(at_)]->first; }
  status read(timestamp_ms mint, timestamp_ms maxt, storage::sample_columns& out) override {
    owner_.read(found_[static_cast<size_t>(at_)]->second, std::max(mint, mint_),
                std::min(maxt, maxt_), out);
    return {};
  }

 private:
  const memory_queryable& owner_;
  std::vector<const entry*> found_;
  timestamp_ms mint_;
  timestamp_ms maxt_;
  std::ptrdiff_t at_ = -1;
};

class memory_queryable::view : public storage::querier {
 public:
  view(const memory_queryable& owner, timestamp_ms mint, timestamp_ms maxt)
      : owner_(owner), mint_(mint), maxt_(maxt) {}

  result<std::unique_ptr<storage::series_set>> select(const storage::select_hints& hints,
                                                      std::span<const matcher> ms) override {
    auto found = matching(ms);
    if (hints.limit > 0 && found.size() > hints.limit)
      found.resize(hints.limit);
    return std::unique_ptr<storage::series_set>(
        std::make_unique<cursor>(owner_, std::move(found), mint_, maxt_));
  }

  result<std::vector<std::string>> label_names(std::span<const matcher> ms, size_t limit) override {
    std::set<std::string> names;
    for (const auto* s : matching(ms))
      for (const auto& l : s->first)
        names.emplace(l.name);
    return first(names, limit);
  }

  result<std::vector<std::string>> label_values(std::string_view name, std::span<const matcher> ms,
                                                size_t limit) override {
    std::set<std::string> values;
    for (const auto* s : matching(ms))
      if (const auto v = s->first.get(name); !v.empty())
        values.emplace(v);
    return first(values, limit);
  }

  std::vector<std::string> warnings() const override { return owner_.warnings; }

 private:
  std::vector<const cursor::entry*> matching(std::span<const matcher> ms) const {
    std::vector<const cursor::entry*> found;
    for (const auto& s : owner_.series_) {
      const auto& points = s.second.points;
      const auto first_in_range = points.lower_bound(mint_);
      if (first_in_range != points.end() && first_in_range->first <= maxt_ &&
          matches_all(ms, s.first))
        found.push_back(&s);
    }
    return found;
  }

  static std::vector<std::string> first(const std::set<std::string>& all, size_t limit) {
    std::vector<std::string> out(all.begin(), all.end());
    if (limit > 0 && out.size() > limit)
      out.resize(limit);
    return out;
  }

  const memory_queryable& owner_;
  timestamp_ms mint_;
  timestamp_ms maxt_;
};

memory_queryable::memory_queryable() = default;
memory_queryable::~memory_queryable() = default;

void memory_queryable::append(const labels& series, timestamp_ms ts, double value,
                              timestamp_ms start_ts) {
  series_[series].points[ts] = {value, start_ts, nullptr};
}

void memory_queryable::append(const labels& series, timestamp_ms ts, histogram_ptr value,
                              timestamp_ms start_ts) {
  series_[series].points[ts] = {0, start_ts, std::move(value)};
}

void memory_queryable::append(const labels& series, exemplar value) {
  auto& all = series_[series].exemplars;
  const auto later = [](const exemplar& a, const exemplar& b) { return a.ts < b.ts; };
  all.insert(std::upper_bound(all.begin(), all.end(), value, later), value);
}

void memory_queryable::set_metadata(std::string family, metadata value) {
  metadata_.emplace(std::move(family), std::move(value));
}

void memory_queryable::clear() {
  series_.clear();
  metadata_.clear();
}

void memory_queryable::read(const stored_series& s, timestamp_ms mint, timestamp_ms maxt,
                            storage::sample_columns& out) const {
  for (auto it = s.points.lower_bound(mint); it != s.points.end() && it->first <= maxt; ++it) {
    const auto& [ts, p] = *it;
    if (p.native) {
      out.histograms.push_back({ts, p.start_ts, p.native});
      continue;
    }
    out.ts.push_back(ts);
    out.values.push_back(p.value);
    if (p.start_ts != no_start_timestamp || !out.start_ts.empty()) {
      out.start_ts.resize(out.ts.size() - 1, no_start_timestamp);
      out.start_ts.push_back(p.start_ts);
    }
  }
}

result<std::unique_ptr<storage::querier>> memory_queryable::open(std::string_view,
                                                                 timestamp_ms mint,
                                                                 timestamp_ms maxt) {
  return std::unique_ptr<storage::querier>(std::make_unique<view>(*this, mint, maxt));
}

result<std::vector<storage::exemplar_series>> memory_queryable::exemplars(
    std::string_view, timestamp_ms mint, timestamp_ms maxt, std::span<const matchers> selectors) {
  std::vector<storage::exemplar_series> out;
  for (const auto& [series, stored] : series_) {
    if (std::none_of(selectors.begin(), selectors.end(),
                     [&](const auto& ms) { return matches_all(ms, series); }))
      continue;
    storage::exemplar_series found{series, {}};
    for (const auto& e : stored.exemplars)
      if (e.ts >= mint && e.ts <= maxt)
        found.exemplars.push_back(e);
    if (!found.exemplars.empty())
      out.push_back(std::move(found));
  }
  return out;
}

std::vector<std::pair<std::string, metadata>> memory_queryable::metadata_of(std::string_view,
                                                                            std::string_view family,
                                                                            size_t limit) {
  std::vector<std::pair<std::string, metadata>> out;
  for (const auto& m : metadata_)
    if ((family.empty() || m.first == family) && (limit == 0 || out.size() < limit))
      out.push_back(m);
  return out;
}

}  // namespace troupe
