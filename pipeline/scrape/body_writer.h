// What the readers of all formats share: which known line comes next, which samples are taken and
// with what time, exemplars, metadata, and the way back when a body fails. Lives for one body.
#pragma once

#include "pipeline/scrape/body_reader.h"

#include <optional>
#include <set>
#include <utility>

namespace troupe::scrape {

/// The timestamp that a sample is exposed with, if any.
struct exposed_time {
  bool given = false;
  timestamp_ms ts = 0;
};

class body_writer {
 public:
  body_writer(const body_request& request, const job_rules& job, const labels& target_labels,
              target_memory& memory, scrape_scratch& scratch, write_batch& out,
              body_counts& counts);

  const config::scrape_config& config() const { return config_; }

  /// The body was read with this result, which limits may turn into a failure. After a failure the
  /// target's memory is as before.
  status finish(status read);

  // --- known lines ---

  /// The known line that is expected next.
  size_t cursor() const { return cursor_; }
  /// A known line with the hash, length and check of `wanted`, wherever it is.
  std::optional<size_t> look_up(const line_entry& wanted);
  /// The line that was read is the known one at `line`.
  void step_to(size_t line, const line_entry& e) {
    if (line != cursor_)
      diverge();
    cursor_ = line + 1;
    if (diverged_)
      scratch_.next_lines.push_back(e);
  }
  /// A new line; it is in order after those before it.
  void remember(const line_entry& e) {
    diverge();
    scratch_.next_lines.push_back(e);
  }
  /// A new line that cannot be remembered.
  void diverge();

  // --- series ---

  /// The position of the series with the exposed labels of scratch.builder and scratch.empty_names;
  /// line_entry::dropped if relabelling drops it.
  result<uint32_t> find_series();
  /// As find_series(); a failure is counted as that of the sample in hand.
  result<uint32_t> find_series_of_sample();

  // --- samples ---

  /// Counts a sample and says with what time it is to be stored, if at all.
  std::optional<timestamp_ms> admit(uint32_t position, bool is_new, exposed_time t) {
    ++counts_.scraped;
    if (position == line_entry::dropped)
      return std::nullopt;
    ++counts_.post_relabel;
    const bool own_time = t.given && config_.honor_timestamps;
    const timestamp_ms time = own_time ? t.ts : request_.time;
    if (is_repeated(position, own_time, time)) {
      ++counts_.duplicates;
      return std::nullopt;
    }
    ++appended_;
    if (config_.limits.samples != 0 && appended_ > config_.limits.samples) {
      counts_.sample_limit_hit = true;
      return std::nullopt;
    }
    if (time > request_.max_time) {
      ++counts_.out_of_bounds;
      return std::nullopt;
    }
    if (own_times_)
      own_times_->emplace(position, time);
    if (!own_time || config_.track_timestamps_staleness)
      scratch_.tracked.set(position);
    if (is_new && !counts_.sample_limit_hit && !counts_.bucket_limit_hit)
      ++counts_.series_added;
    return time;
  }
  /// The time it is stored with.
  std::optional<timestamp_ms> add_float(uint32_t position, bool is_new, exposed_time t,
                                        double value) {
    const auto time = admit(position, is_new, t);
    if (time)
      out_.floats.push_back({*time, value, position});
    return time;
  }
  /// `h` must hold (validate()). Its resolution is reduced as the job wants it.
  std::optional<timestamp_ms> add_histogram(uint32_t position, bool is_new, exposed_time t,
                                            histogram_ptr h, timestamp_ms start);
  /// The float that was stored last has this start.
  void add_start(timestamp_ms start) {
    const auto& f = out_.floats.back();
    if (start > 0 && start <= f.ts)
      out_.starts.push_back({static_cast<uint32_t>(out_.floats.size() - 1), start});
  }
  /// Left out if its labels are too long.
  void add_exemplar(uint32_t position, exemplar e);

  /// Sends the metadata of a family unless the pool did already.
  void add_metadata(std::string_view family, metric_type type, std::string_view unit,
                    std::string_view help);

 private:
  // Samples without a time of their own are told by their series; the others by series and time.
  bool is_repeated(uint32_t position, bool own_time, timestamp_ms time) {
    const bool seen = scratch_.seen.test_and_set(position);
    if (!own_time && scratch_.seen_plain.test_and_set(position))
      return true;
    return seen && was_at(position, time);
  }
  bool was_at(uint32_t position, timestamp_ms time);
  void add_zeros();
  void keep_lines();

  const body_request& request_;
  const config::scrape_config& config_;
  const job_rules& job_;
  const labels& target_labels_;
  target_memory& memory_;
  scrape_scratch& scratch_;
  write_batch& out_;
  body_counts& counts_;
  const uint32_t known_series_;  ///< positions below are of series seen before this body
  const size_t created_before_;
  const size_t keys_before_;
  const classic_memory::mark classic_before_;
  size_t cursor_ = 0;
  bool diverged_ = false;
  bool indexed_ = false;
  uint64_t appended_ = 0;
  std::vector<uint64_t> sent_now_;
  std::optional<std::set<std::pair<uint32_t, timestamp_ms>>> own_times_;
};

}  // namespace troupe::scrape
