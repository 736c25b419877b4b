#include "storage/offline/analysis.h"

#include "storage/offline/block_list.h"

#include <algorithm>
#include <map>
#include <span>
#include <unordered_map>
#include <unordered_set>

namespace troupe::storage {
namespace {

constexpr size_t steps_between_reports = 4096;

// Series by the hashes of their labels, sorted.
using series_hashes = std::vector<uint64_t>;

uint64_t count_absent(const series_hashes& these, const series_hashes& from) {
  uint64_t n = 0;
  for (const uint64_t h : these)
    n += std::binary_search(from.begin(), from.end(), h) ? 0 : 1;
  return n;
}

void sort_unique(series_hashes& hashes) {
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
}

struct pair_figures {
  uint64_t series = 0;
  double churn = 0;
};

class analysis_run {
 public:
  analysis_run(size_t limit, const std::function<void(uint64_t, uint64_t)>& on_progress)
      : limit_(limit), on_progress_(on_progress) {}

  result<analysis> go(block_list list) {
    out_.refused = std::move(list.refused);
    std::stable_sort(list.blocks.begin(), list.blocks.end(), [](const auto& a, const auto& b) {
      return std::pair(a->meta().tenant, a->meta().min_time) <
             std::pair(b->meta().tenant, b->meta().min_time);
    });
    for (const auto& b : list.blocks)
      total_ += b->index().series_count();
    for (size_t i = 0; i < list.blocks.size();) {
      const size_t end = group_end(list.blocks, i);
      if (i == 0 || list.blocks[i]->meta().tenant != list.blocks[i - 1]->meta().tenant)
        before_.clear();
      take_group({list.blocks.data() + i, end - i});
      i = end;
    }
    finish();
    return std::move(out_);
  }

 private:
  using block_ptr = std::shared_ptr<block_reader>;

  // Blocks from `i` on that overlap in time.
  static size_t group_end(const std::vector<block_ptr>& blocks, size_t i) {
    const std::string& tenant = blocks[i]->meta().tenant;
    timestamp_ms until = blocks[i]->meta().max_time;
    size_t end = i + 1;
    for (; end < blocks.size() && blocks[end]->meta().tenant == tenant &&
           blocks[end]->meta().min_time < until;
         ++end)
      until = std::max(until, blocks[end]->meta().max_time);
    return end;
  }

  void take_group(std::span<const block_ptr> group) {
    std::vector<series_hashes> hashes;
    series_hashes all;
    for (const auto& b : group) {
      hashes.push_back(take_block(*b));
      all.insert(all.end(), hashes.back().begin(), hashes.back().end());
    }
    sort_unique(all);
    for (size_t i = 0; i < group.size(); ++i)
      out_.blocks.push_back(
          {group[i]->meta(), count_absent(hashes[i], before_), count_absent(before_, all)});
    before_ = std::move(all);
  }

  series_hashes take_block(const block_reader& block) {
    series_hashes hashes;
    labels series;
    std::vector<chunk_ref> chunks;
    series_cursor cursor;
    const uint32_t count = block.index().series_count();
    for (series_ref ref = 0; ref < count; ++ref) {
      if (on_progress_ && ++done_ % steps_between_reports == 0)
        on_progress_(done_, total_);
      if (!block.read_series(ref, series, chunks, nullptr, &cursor).ok()) {
        ++out_.unreadable_series;
        continue;
      }
      hashes.push_back(series.hash());
      take_series(block.meta(), series, chunks);
    }
    out_.chunk_bytes += block.meta().chunk_bytes;
    out_.index_bytes += block.meta().index_bytes;
    sort_unique(hashes);
    return hashes;
  }

  void take_series(const block_meta& block, const labels& series,
                   const std::vector<chunk_ref>& chunks) {
    const bool fresh = seen_.insert(series.hash() ^ std::hash<std::string>()(block.tenant)).second;
    auto& metric = metrics_[std::string(series.metric_name())];
    timestamp_ms first = block.max_time, last = block.min_time;
    for (const auto& c : chunks) {
      metric.samples += c.samples;
      metric.bytes += c.length;
      out_.samples += c.samples;
      first = std::min(first, c.min_ts);
      last = std::max(last, c.max_ts);
    }
    const auto width = static_cast<double>(block.max_time - block.min_time);
    const double idle = std::max(0.0, 1 - static_cast<double>(last - first) / width);
    metric.series += fresh ? 1 : 0;
    for (const auto& pair : series) {
      auto& values = labels_[std::string(pair.name)];
      auto& figures = values.try_emplace(std::string(pair.value)).first->second;
      figures.series += fresh ? 1 : 0;
      figures.churn += idle;
      ++out_.postings;
    }
  }

  // Keeps the greatest.
  void add(std::vector<analysis::item>& list, std::string name, double value) const {
    const auto at = std::upper_bound(list.begin(), list.end(), value,
                                     [](double v, const analysis::item& i) { return v > i.value; });
    if (at == list.end() && list.size() >= limit_)
      return;
    list.insert(at, {std::move(name), value});
    if (list.size() > limit_)
      list.pop_back();
  }

  void finish() {
    out_.series = seen_.size();
    out_.label_names = labels_.size();
    for (const auto& [name, values] : labels_) {
      double bytes = 0, churn = 0;
      for (const auto& [value, f] : values) {
        bytes += static_cast<double>(value.size());
        churn += f.churn;
        const std::string pair = name + "=" + value;
        add(out_.pair_series, pair, static_cast<double>(f.series));
        add(out_.churn_pairs, pair, f.churn);
      }
      out_.label_pairs += values.size();
      add(out_.label_values, name, static_cast<double>(values.size()));
      add(out_.label_value_bytes, name, bytes);
      add(out_.churn_names, name, churn);
    }
    std::vector<analysis::metric> all;
    for (const auto& [name, m] : metrics_)
      all.push_back({name, m.series, m.samples, m.bytes});
    out_.by_series = greatest(all, &analysis::metric::series);
    out_.by_bytes = greatest(all, &analysis::metric::bytes);
    std::stable_sort(out_.blocks.begin(), out_.blocks.end(), [](const auto& a, const auto& b) {
      return a.meta.min_time < b.meta.min_time;
    });
  }

  std::vector<analysis::metric> greatest(std::vector<analysis::metric> all,
                                         uint64_t analysis::metric::*by) const {
    std::sort(all.begin(), all.end(), [by](const auto& a, const auto& b) {
      return a.*by != b.*by ? a.*by > b.*by : a.name < b.name;
    });
    all.resize(std::min(all.size(), limit_));
    return all;
  }

  const size_t limit_;
  const std::function<void(uint64_t, uint64_t)>& on_progress_;
  uint64_t done_ = 0, total_ = 0;
  analysis out_;
  series_hashes before_;
  std::unordered_set<uint64_t> seen_;
  std::unordered_map<std::string, analysis::metric> metrics_;
  // By name, then value; sorted names make ties in the lists fall the same way.
  std::map<std::string, std::map<std::string, pair_figures>, std::less<>> labels_;
};

}  // namespace

result<analysis> analyze_folder(file_system& fs, const std::string& dir,
                                const std::string& block_id, size_t limit,
                                const std::function<void(uint64_t, uint64_t)>& on_progress) {
  TROUPE_ASSIGN(auto list, list_blocks(fs, dir));
  if (!block_id.empty()) {
    std::erase_if(list.blocks, [&](const auto& b) { return b->meta().id != block_id; });
    if (list.blocks.empty())
      return {errc::not_found, dir + ": no block " + block_id};
  }
  return analysis_run(limit, on_progress).go(std::move(list));
}

}  // namespace troupe::storage
