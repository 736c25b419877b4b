#include "pipeline/transfer/openmetrics_source.h"

#include "pipeline/parse/openmetrics_parser.h"
#include "storage/base/hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

namespace troupe::transfer {
namespace {

constexpr size_t steps_between_reports = 4096;

/// Series text under a TYPE, which decides how `le` is read.
struct text_key {
  std::string_view text;
  metric_type type;
  bool operator==(const text_key&) const = default;
};
struct hash_of {
  size_t operator()(const text_key& k) const { return xxh3(k.text, static_cast<uint64_t>(k.type)); }
  size_t operator()(const labels& l) const { return l.hash(); }
};

// The line that begins at `p`, from 1.
uint64_t line_of(std::string_view text, const char* p) {
  return 1 + static_cast<uint64_t>(std::count(text.data(), p, '\n'));
}

class loaded_series final : public storage::series_set {
 public:
  loaded_series(const std::vector<labels>& by_place, std::vector<openmetrics_source::row> rows)
      : by_place_(by_place), rows_(std::move(rows)) {}

  bool next() override {
    begin_ = end_;
    if (begin_ == rows_.size())
      return false;
    while (end_ < rows_.size() && rows_[end_].series == rows_[begin_].series)
      ++end_;
    return true;
  }
  const labels& series() const override { return by_place_[rows_[begin_].series]; }
  status read(timestamp_ms mint, timestamp_ms maxt, storage::sample_columns& out) override {
    for (size_t i = begin_; i < end_; ++i) {
      const auto& row = rows_[i];
      if (row.ts < mint || row.ts > maxt)
        continue;
      if (i > begin_ && rows_[i - 1].ts == row.ts) {
        if (loses_against(out.values.back(), row.value))
          out.values.back() = row.value;
        continue;
      }
      out.ts.push_back(row.ts);
      out.values.push_back(row.value);
    }
    return {};
  }

 private:
  const std::vector<labels>& by_place_;
  std::vector<openmetrics_source::row> rows_;
  size_t begin_ = 0, end_ = 0;
};

int64_t range_of(timestamp_ms ts, int64_t width) {
  return ts / width - (ts % width < 0 ? 1 : 0);
}

}  // namespace

result<std::unique_ptr<openmetrics_source>> openmetrics_source::read(
    file_system& fs, settings s, const std::function<void(uint64_t, uint64_t)>& on_progress) {
  std::unique_ptr<openmetrics_source> out(new openmetrics_source(fs, std::move(s)));
  const auto& path = out->settings_.path;
  TROUPE_ASSIGN(const auto file, fs.map(path));
  const std::string_view text = file->data();
  status failed = out->parse(text, on_progress);
  if (file->failed())
    return {errc::io_error, path + ": cannot be read"};
  if (!failed.ok())
    return failed.code() == errc::invalid_argument ? failed.with_context(path) : failed;
  out->identity_ = fmt::format("openmetrics {} {:08x}", text.size(), crc32c(text));
  out->sort_series();
  return out;
}

openmetrics_source::~openmetrics_source() {
  fs_.remove_all(settings_.work_dir).ignore();
}

status openmetrics_source::parse(std::string_view text,
                                 const std::function<void(uint64_t, uint64_t)>& on_progress) {
  TROUPE_TRY(fs_.remove_all(settings_.work_dir));
  TROUPE_TRY(fs_.create_directories(settings_.work_dir));
  std::unordered_map<text_key, uint64_t, hash_of> by_text;
  std::unordered_map<labels, uint64_t, hash_of> by_labels;
  labels_builder builder;
  parse::openmetrics_parser in(text);
  for (size_t steps = 1;; ++steps) {
    const parse::entry what = in.next();
    if (what == parse::entry::error)
      return {errc::invalid_argument, in.error()};
    if (what == parse::entry::end)
      break;
    if (on_progress && steps % steps_between_reports == 0)
      on_progress(static_cast<uint64_t>(in.position() - text.data()), text.size());
    if (what != parse::entry::series)
      continue;
    if (!in.has_timestamp())
      return {errc::invalid_argument, fmt::format("line {}: the sample has no timestamp",
                                                  line_of(text, in.entry_text().data()))};
    const auto [at, fresh] = by_text.try_emplace({in.series(), in.type()}, 0);
    if (fresh) {
      if (status s = in.read_labels(builder); !s.ok())
        return s.with_context(fmt::format("line {}", line_of(text, in.entry_text().data())));
      labels series = builder.build();
      const auto [known, added] = by_labels.try_emplace(series, series_.size());
      if (added)
        series_.push_back(std::move(series));
      at->second = known->second;
    }
    exemplars_ += in.has_exemplar() ? 1 : 0;
    TROUPE_TRY(add(at->second, in.timestamp(), in.value()));
  }
  return ranges_.empty() || waiting_ == samples_ ? status() : write_waiting();
}

status openmetrics_source::add(uint64_t series, timestamp_ms ts, double value) {
  const auto [at, fresh] = ranges_.try_emplace(range_of(ts, settings_.range_ms));
  range& r = at->second;
  r.min_ts = fresh ? ts : std::min(r.min_ts, ts);
  r.max_ts = fresh ? ts : std::max(r.max_ts, ts);
  r.waiting.push_back({series, ts, value});
  ++samples_;
  return ++waiting_ * sizeof(row) < settings_.memory_bytes ? status() : write_waiting();
}

std::string openmetrics_source::path_of(int64_t range) const {
  return join_path(settings_.work_dir, std::to_string(range));
}

status openmetrics_source::write_waiting() {
  for (auto& [number, r] : ranges_) {
    if (r.waiting.empty())
      continue;
    TROUPE_ASSIGN(auto file, fs_.open_append(path_of(number)));
    TROUPE_TRY(file->append(
        {reinterpret_cast<const char*>(r.waiting.data()), r.waiting.size() * sizeof(row)}));
    TROUPE_TRY(file->close());
    r.in_file = true;
    r.waiting = {};
  }
  waiting_ = 0;
  return {};
}

void openmetrics_source::sort_series() {
  std::vector<uint64_t> order(series_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint64_t a, uint64_t b) { return series_[a] < series_[b]; });
  places_.resize(order.size());
  std::vector<labels> sorted;
  sorted.reserve(order.size());
  for (size_t place = 0; place < order.size(); ++place) {
    places_[order[place]] = place;
    sorted.push_back(std::move(series_[order[place]]));
  }
  series_ = std::move(sorted);
}

std::vector<std::pair<timestamp_ms, timestamp_ms>> openmetrics_source::extents() const {
  std::vector<std::pair<timestamp_ms, timestamp_ms>> out;
  for (const auto& [number, r] : ranges_)
    out.emplace_back(r.min_ts, r.max_ts);
  return out;
}

result<std::unique_ptr<storage::series_set>> openmetrics_source::open(timestamp_ms mint,
                                                                      timestamp_ms maxt) const {
  std::vector<row> rows;
  for (const auto& [number, r] : ranges_) {
    if (r.max_ts < mint || r.min_ts > maxt)
      continue;
    if (r.in_file) {
      TROUPE_ASSIGN(const auto file, fs_.map(path_of(number)));
      const size_t before = rows.size(), n = file->data().size() / sizeof(row);
      rows.resize(before + n);
      std::memcpy(rows.data() + before, file->data().data(), n * sizeof(row));
      if (file->failed())
        return {errc::io_error, path_of(number) + ": cannot be read"};
    }
    rows.insert(rows.end(), r.waiting.begin(), r.waiting.end());
  }
  for (row& r : rows)
    r.series = places_[r.series];
  std::sort(rows.begin(), rows.end(), [](const row& a, const row& b) {
    return a.series != b.series ? a.series < b.series : a.ts < b.ts;
  });
  return std::unique_ptr<storage::series_set>(
      std::make_unique<loaded_series>(series_, std::move(rows)));
}

}  // namespace troupe::transfer
