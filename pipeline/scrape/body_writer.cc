#include "pipeline/scrape/body_writer.h"

#include "storage/model/histogram_buckets.h"

#include <algorithm>
#include <bit>

namespace troupe::scrape {
namespace {

constexpr size_t max_exemplar_runes = 128;  // OpenMetrics 1.0: names and values together
constexpr int32_t lowest_schema = -4;

size_t rune_count(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// The histogram with no more than the allowed resolution and buckets; null if there is none.
histogram_ptr within_limits(histogram_ptr h, int32_t max_schema, uint64_t max_buckets) {
  const bool custom = h->schema == histogram::custom_schema;
  const auto too_many = [&](const histogram& x) {
    return max_buckets != 0 && x.positive_buckets.size() + x.negative_buckets.size() > max_buckets;
  };
  if ((custom || h->schema <= max_schema) && !too_many(*h))
    return h;
  if (custom)
    return nullptr;
  auto reduced = std::make_shared<histogram>(*h);
  reduce_resolution(*reduced, max_schema);
  while (too_many(*reduced)) {
    if (reduced->schema <= lowest_schema)
      return nullptr;
    reduce_resolution(*reduced, reduced->schema - 1);
  }
  return reduced;
}

// What a histogram was at its start.
histogram_ptr empty_at_start(const histogram& h) {
  auto out = std::make_shared<histogram>();
  out->schema = h.schema;
  out->hint = counter_reset_hint::reset;
  out->is_float = h.is_float;
  out->zero_threshold = h.zero_threshold;
  out->custom_bounds = h.custom_bounds;
  return out;
}

}  // namespace

body_writer::body_writer(const body_request& request, const job_rules& job,
                         const labels& target_labels, target_memory& memory,
                         scrape_scratch& scratch, write_batch& out, body_counts& counts)
    : request_(request),
      config_(*job.config),
      job_(job),
      target_labels_(target_labels),
      memory_(memory),
      scratch_(scratch),
      out_(out),
      counts_(counts),
      known_series_(memory.series.size()),
      created_before_(memory.created.size()),
      keys_before_(memory.start_keys.size()),
      classic_before_(memory.classic.here()) {}

status body_writer::finish(status read) {
  if (read.ok() && counts_.sample_limit_hit)
    read = status(errc::resource_exhausted, "sample limit exceeded");
  if (read.ok() && counts_.bucket_limit_hit)
    read = status(errc::resource_exhausted, "histogram bucket limit exceeded");
  if (!read.ok()) {
    memory_.series.rollback();
    memory_.created.resize(created_before_);
    memory_.start_keys.resize(keys_before_);
    memory_.classic.back_to(classic_before_);
    for (const auto h : sent_now_)
      scratch_.sent_metadata.erase(h);
    return read;
  }
  if (request_.zero_at_start)
    add_zeros();
  memory_.last_body_ms = request_.time;
  keep_lines();
  return {};
}

// --- known lines ---

// From here on the lines are not as before: their new order is written down.
void body_writer::diverge() {
  if (diverged_)
    return;
  diverged_ = true;
  scratch_.next_lines.assign(memory_.lines.begin(),
                             memory_.lines.begin() + static_cast<ptrdiff_t>(cursor_));
}

std::optional<size_t> body_writer::look_up(const line_entry& wanted) {
  if (memory_.lines.empty())
    return std::nullopt;
  auto& index = scratch_.line_index;
  if (!indexed_) {
    indexed_ = true;
    index.assign(std::bit_ceil(memory_.lines.size() * 2 + 2), 0);
    for (size_t i = 0; i < memory_.lines.size(); ++i) {
      size_t at = memory_.lines[i].hash & (index.size() - 1);
      while (index[at] != 0)
        at = (at + 1) & (index.size() - 1);
      index[at] = static_cast<uint32_t>(i + 1);
    }
  }
  for (size_t at = wanted.hash & (index.size() - 1); index[at] != 0;
       at = (at + 1) & (index.size() - 1)) {
    if (memory_.lines[index[at] - 1].is(wanted))
      return index[at] - 1;
  }
  return std::nullopt;
}

void body_writer::keep_lines() {
  if (!diverged_) {
    memory_.lines.resize(cursor_);
    return;
  }
  memory_.lines = std::vector<line_entry>(scratch_.next_lines);
  if (!memory_.created.empty()) {
    std::vector<created_line> kept;
    for (auto& e : memory_.lines) {
      if (!e.is_created())
        continue;
      kept.push_back(memory_.created[e.ref & ~line_entry::created_flag]);
      e.ref = line_entry::created_flag | static_cast<uint32_t>(kept.size() - 1);
    }
    memory_.created = std::move(kept);
  }
  memory_.classic.keep_only(memory_.lines);
}

// --- series ---

result<uint32_t> body_writer::find_series() {
  TROUPE_ASSIGN(const auto series,
                final_labels(job_, target_labels_, scratch_.empty_names, scratch_.builder));
  return series ? memory_.series.find_or_add(*series) : line_entry::dropped;
}

result<uint32_t> body_writer::find_series_of_sample() {
  auto found = find_series();
  if (!found.ok()) {
    counts_.label_limit_hit = found.error().message().find("_limit exceeded") != std::string::npos;
    ++counts_.scraped;
  }
  return found;
}

// --- samples ---

bool body_writer::was_at(uint32_t position, timestamp_ms time) {
  if (!own_times_) {
    own_times_.emplace();
    for (const auto& f : out_.floats)
      own_times_->emplace(f.series, f.ts);
    for (const auto& h : out_.histograms)
      own_times_->emplace(h.series, h.ts);
  }
  return own_times_->count({position, time}) != 0;
}

std::optional<timestamp_ms> body_writer::add_histogram(uint32_t position, bool is_new,
                                                       exposed_time t, histogram_ptr h,
                                                       timestamp_ms start) {
  if (position != line_entry::dropped) {
    h = within_limits(std::move(h), job_.max_schema, config_.native_histogram_bucket_limit);
    if (!h) {
      ++counts_.scraped;
      ++counts_.post_relabel;
      counts_.bucket_limit_hit = true;
      return std::nullopt;
    }
  }
  const auto time = admit(position, is_new, t);
  if (time)
    out_.histograms.push_back(
        {*time, start > 0 && start <= *time ? start : no_start_timestamp, std::move(h), position});
  return time;
}

void body_writer::add_exemplar(uint32_t position, exemplar e) {
  size_t runes = 0;
  for (const auto& l : e.lset)
    runes += rune_count(l.name) + rune_count(l.value);
  if (runes <= max_exemplar_runes)
    out_.exemplars.push_back({std::move(e), position});
}

// Before the samples, so that they come in order. A start time that lies before what is stored of
// the series already, or long ago, gives none, as in Prometheus' head.
void body_writer::add_zeros() {
  const auto wanted = [&](timestamp_ms start, timestamp_ms ts, uint32_t series) {
    const bool known = series < known_series_;
    const timestamp_ms oldest = known ? memory_.last_body_ms + 1 : ts - oldest_zero_ms;
    return start != no_start_timestamp && start < ts && start >= oldest;
  };
  std::vector<float_entry> zeros;
  for (const auto& s : out_.starts) {
    const auto& f = out_.floats[s.index];
    if (wanted(s.start_ts, f.ts, f.series))
      zeros.push_back({s.start_ts, 0, f.series});
  }
  if (!zeros.empty()) {
    for (auto& s : out_.starts)
      s.index += static_cast<uint32_t>(zeros.size());
    out_.floats.insert(out_.floats.begin(), zeros.begin(), zeros.end());
  }
  std::vector<histogram_entry> empty;
  for (const auto& h : out_.histograms)
    if (wanted(h.start_ts, h.ts, h.series))
      empty.push_back({h.start_ts, no_start_timestamp, empty_at_start(*h.value), h.series});
  out_.histograms.insert(out_.histograms.begin(), empty.begin(), empty.end());
}

// --- metadata ---

void body_writer::add_metadata(std::string_view family, metric_type type, std::string_view unit,
                               std::string_view help) {
  const uint64_t hash = xxh3(help, xxh3(unit, xxh3(family, static_cast<uint64_t>(type))));
  if (!scratch_.sent_metadata.insert(hash).second)
    return;
  sent_now_.push_back(hash);
  out_.metadata.push_back({std::string(family), {type, std::string(unit), std::string(help)}});
}

}  // namespace troupe::scrape
