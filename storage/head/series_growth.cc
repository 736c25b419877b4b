#include "storage/head/series_growth.h"

#include "storage/base/hash.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace troupe::storage {
namespace {

/// The length of the finest panes.
constexpr int64_t step_ms = 2000;
/// Series gathered before they are counted.
constexpr size_t gather_most = 256;

labels set_of(std::initializer_list<const label_pair*> pairs) {
  std::vector<label_view> out;
  for (const label_pair* p : pairs)
    if (p->id() != 0)
      out.push_back(p->view());
  return labels::from_views(std::move(out));
}

uint64_t both(uint32_t high, uint32_t low) {
  return uint64_t{high} << 32 | low;
}

template <class Payload, class Describe>
growth_window::list list_of(const frequent_items<Payload>& from, size_t limit,
                            const Describe& describe) {
  growth_window::list out;
  out.missed = from.missed();
  const auto sorted = from.top();
  const size_t n = std::min(limit, sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i)
    if (n > 0 && (i < n || sorted[i]->count == sorted[n - 1]->count))
      out.top.push_back({describe(sorted[i]->payload), sorted[i]->count, 0});
  // Keys are numbers that differ from run to run: names decide between equals.
  std::sort(out.top.begin(), out.top.end(), [](const auto& a, const auto& b) {
    return a.created != b.created ? a.created > b.created : a.of < b.of;
  });
  out.top.resize(n);
  return out;
}

void keep_most_values(std::vector<growth_window::label_entry>& entries, size_t limit) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::tie(b.values, a.metric, a.label) < std::tie(a.values, b.metric, b.label);
  });
  if (entries.size() > limit)
    entries.resize(limit);
}

}  // namespace

series_growth::series_growth(uint32_t shards, const clock& clk)
    : clock_(clk), levels_{level{1, 5}, level{5, 6}, level{300, 6}} {
  for (uint32_t i = 0; i < shards; ++i)
    shards_.push_back(std::make_unique<gathered>());
}

int64_t series_growth::step_now() const {
  return clock_.monotonic_ns() / (step_ms * 1'000'000);
}

void series_growth::created(uint32_t shard, const labels& series) {
  gathered& g = *shards_[shard];
  const int64_t now = step_now();
  const std::lock_guard lock(g.mutex);
  if (g.step != now || g.series.size() == gather_most)
    count(g);
  g.step = now;
  g.series.push_back(series);
}

void series_growth::count(gathered& g) {
  if (g.series.empty())
    return;
  const std::lock_guard lock(mutex_);
  // Those of a shard that was slow to count them are a step late.
  advance(0, std::max(g.step, levels_[0].number));
  for (const labels& s : g.series)
    levels_[0].open.count(s);
  g.series.clear();
}

void series_growth::pane::count(const labels& series) {
  ++created;
  if (!series.is_packed())
    return;
  const auto ids = series.pair_ids();
  uint32_t metric = 0, job = 0, instance = 0;
  for (const uint32_t id : ids) {
    const std::string_view name = label_pair::view_of(id).name;
    if (name == metric_name_label)
      metric = id;
    else if (name == "job")
      job = id;
    else if (name == "instance")
      instance = id;
  }
  const auto pair_of = [](uint32_t id) { return id == 0 ? label_pair() : label_pair(id); };
  if (metric != 0)
    metrics.add(metric, 1, [&] { return label_pair(metric); });
  if (job != 0)
    jobs.add(job, 1, [&] { return label_pair(job); });
  if (instance != 0)
    targets.add(both(job, instance), 1, [&] {
      return target_key{pair_of(job), pair_of(instance)};
    });
  for (const uint32_t id : ids) {
    if (id == metric)
      continue;
    pairs.add(id, 1, [&] { return label_pair(id); });
    by_label
        .add(both(metric, label_pair::name_of(id)), 1,
             [&] {
               return label_values{pair_of(metric), label_pair(id), {}};
             })
        .values.add(xxh3(label_pair::view_of(id).value));
  }
}

void series_growth::pane::add(const pane& other) {
  const auto keep = [](auto&, const auto&) {};
  created += other.created;
  metrics.add(other.metrics, keep);
  jobs.add(other.jobs, keep);
  pairs.add(other.pairs, keep);
  targets.add(other.targets, keep);
  by_label.add(other.by_label, [](label_values& ours, const label_values& theirs) {
    ours.values.add(theirs.values);
  });
}

// A level's pane ends with its last step; its content goes on to the next level.
void series_growth::advance(size_t i, int64_t step) {
  level& l = levels_[i];
  const int64_t number = step / l.steps;
  if (number == l.number)
    return;
  if (l.open.created != 0) {
    if (i + 1 < levels_.size()) {
      advance(i + 1, l.number * l.steps);
      levels_[i + 1].open.add(l.open);
    }
    l.ended.emplace_back(l.number, std::move(l.open));
    l.open = {};
  }
  l.number = number;
  while (!l.ended.empty() && l.ended.front().first < number - l.keep)
    l.ended.pop_front();
}

growth_report series_growth::report(size_t limit) {
  for (const auto& g : shards_) {
    const std::lock_guard lock(g->mutex);
    count(*g);
  }
  const std::lock_guard lock(mutex_);
  growth_report out;
  const int64_t now = std::max(step_now(), levels_[0].number);
  for (size_t i = 0; i < levels_.size(); ++i) {
    advance(i, now);
    out.push_back(window(i, limit));
  }
  return out;
}

growth_window series_growth::window(size_t i, size_t limit) const {
  pane sum;
  for (const auto& [number, ended] : levels_[i].ended)
    sum.add(ended);
  // What finer levels have not handed on yet.
  for (size_t k = 0; k <= i; ++k)
    sum.add(levels_[k].open);
  growth_window out;
  out.span_ms = levels_[i].steps * levels_[i].keep * step_ms;
  out.created = sum.created;
  const auto one = [](const label_pair& p) { return set_of({&p}); };
  out.metrics = list_of(sum.metrics, limit, one);
  out.jobs = list_of(sum.jobs, limit, one);
  out.pairs = list_of(sum.pairs, limit, one);
  out.targets = list_of(sum.targets, limit, [](const target_key& t) {
    return set_of({&t.job, &t.instance});
  });
  std::map<std::string_view, std::pair<growth_window::label_entry, distinct_counter>> names;
  for (const auto& item : sum.by_label.items()) {
    const label_values& v = item.payload;
    const label_view example = v.example.view();
    const std::string metric(v.metric.id() == 0 ? "" : v.metric.view().value);
    out.labels_of_metrics.push_back({metric, std::string(example.name), std::string(example.value),
                                     v.values.estimate(), item.count});
    auto& [entry, values] = names[example.name];
    entry.label = example.name;
    entry.example = example.value;
    entry.created += item.count;
    values.add(v.values);
    entry.values = values.estimate();
  }
  for (auto& [name, entry] : names)
    out.label_names.push_back(std::move(entry.first));
  keep_most_values(out.labels_of_metrics, limit);
  keep_most_values(out.label_names, limit);
  return out;
}

}  // namespace troupe::storage
