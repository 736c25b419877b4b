// What is known of a target's body: one entry per line in line order, so that an unchanged series
// is recognised by one hash at its place and is never tokenised, relabelled or looked up again
// (docs: README.md). One owner per target.
#pragma once

#include "pipeline/scrape/series_set.h"
#include "storage/base/hash.h"
#include "storage/model/sample.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe::scrape {

/// 16 bytes a line. Of a sample line the series text is known, of a '#' line the whole line with
/// its break. Compared are a hash keyed with a process secret (64 bits), the length, 8 bits of the
/// text itself and the TYPE in force.
struct line_entry {
  static constexpr size_t max_length = (1u << 20) - 1;
  static constexpr uint32_t dropped = 0xffffffff;
  static constexpr uint32_t created_flag = 0x80000000;
  static constexpr uint32_t first_hash_line = 0x40000000;
  static constexpr uint32_t classic_flag = 0x20000000;  ///< below hash lines, above all positions

  uint64_t hash;
  uint32_t length_and_check;  ///< length 20, type 4, check 8
  /// Sample line: position in the series set, or `dropped`, or created_flag | index into
  /// created_lines, or classic_flag | index into classic_memory::lines. '#' line: see hash_line.
  uint32_t ref;

  size_t length() const { return length_and_check >> 12; }
  bool is_created() const { return ref != dropped && (ref & created_flag) != 0; }
  static bool is_classic(uint32_t ref) { return ref >= classic_flag && ref < first_hash_line; }
  /// A sample line whose series has a position.
  bool has_position() const { return ref < classic_flag; }

  static uint32_t pack(std::string_view text, metric_type type) {
    const auto n = text.size();
    const auto check =
        static_cast<uint8_t>(text[n / 2] ^ (text[n * 3 / 4] << 1) ^ (text[n - 1] << 2));
    return static_cast<uint32_t>(n << 12) | (static_cast<uint32_t>(type) << 8) | check;
  }
  static line_entry make(std::string_view text, metric_type type, uint64_t secret, uint32_t ref) {
    return {xxh3(text, secret), pack(text, type), ref};
  }
  bool matches(std::string_view text, metric_type type, uint64_t secret) const {
    return pack(text, type) == length_and_check && xxh3(text, secret) == hash;
  }
  /// The same line, whatever it refers to.
  bool is(const line_entry& o) const {
    return hash == o.hash && length_and_check == o.length_and_check;
  }
};
static_assert(sizeof(line_entry) == 16);

/// The `ref` of a '#' line.
struct hash_line {
  static constexpr uint32_t help = line_entry::first_hash_line + 0x100;
  static constexpr uint32_t unit = line_entry::first_hash_line + 0x101;
  static constexpr uint32_t comment = line_entry::first_hash_line + 0x102;
  static constexpr uint32_t of(metric_type t) {
    return line_entry::first_hash_line + static_cast<uint32_t>(t);
  }
  static constexpr bool is_type(uint32_t ref) { return ref < help; }
  static constexpr metric_type type_of(uint32_t ref) {
    return static_cast<metric_type>(ref - line_entry::first_hash_line);
  }
};

/// A known `_created` line.
struct created_line {
  uint64_t key = 0;       ///< openmetrics_parser::start_key
  uint32_t position = 0;  ///< of its own series, or line_entry::dropped
};

/// A known line of a classic histogram that becomes one of custom buckets.
struct classic_line {
  enum class part : uint8_t { bucket, sum, count };
  double le = 0;
  uint32_t histogram = 0;                   ///< index into classic_memory::histograms
  uint32_t position = line_entry::dropped;  ///< of its own series, if that is kept, too
  part what = part::bucket;
};

/// The classic histograms of a target that are converted.
struct classic_memory {
  struct converted {
    uint64_t key = 0;  ///< of the exposed labels without `le`
    uint32_t position = line_entry::dropped;
  };
  std::vector<classic_line> lines;
  std::vector<converted> histograms;

  /// Entries so far, for back_to().
  struct mark {
    size_t lines = 0;
    size_t histograms = 0;
  };
  mark here() const { return {lines.size(), histograms.size()}; }
  void back_to(mark m) {
    lines.resize(m.lines);
    histograms.resize(m.histograms);
  }
  /// Forgets what no entry of `known` refers to, and renumbers their references.
  void keep_only(std::vector<line_entry>& known);
  template <class F>
  void for_each_position(F f) {
    for (auto& l : lines)
      if (l.position != line_entry::dropped)
        f(l.position);
    for (auto& h : histograms)
      if (h.position != line_entry::dropped)
        f(h.position);
  }
};

/// Everything remembered of one target's bodies.
struct target_memory {
  std::vector<line_entry> lines;
  series_set series;
  bitmap tracked;  ///< series that get a stale marker when they vanish
  std::vector<created_line> created;
  classic_memory classic;
  /// Start key by series position; empty unless the target exposes `_created` lines.
  std::vector<uint64_t> start_keys;
  /// Positions of the automatic series, in the order of scraper.cc; `dropped` = not made yet.
  std::array<uint32_t, 8> reports;
  timestamp_ms last_body_ms = 0;  ///< time of the last body that was taken; 0: none
  uint32_t quiet_scrapes = 0;     ///< scrapes in a row that brought no new line
  bool has_created = false;
  bool is_protobuf = false;  ///< what `lines` are lines of

  target_memory() { reports.fill(line_entry::dropped); }
  bool is_report(uint32_t position) const {
    return std::find(reports.begin(), reports.end(), position) != reports.end();
  }

  /// Forgets the lines, not the series: the next body is read anew.
  void forget_lines() {
    // From `{}` a vector would keep its memory.
    lines = std::vector<line_entry>();
    created = std::vector<created_line>();
    classic = classic_memory();
    start_keys = std::vector<uint64_t>();
    has_created = false;
  }
  size_t heap_bytes() const {
    return lines.capacity() * sizeof(line_entry) + series.heap_bytes() + tracked.heap_bytes() +
           created.capacity() * sizeof(created_line) + start_keys.capacity() * sizeof(uint64_t) +
           classic.lines.capacity() * sizeof(classic_line) +
           classic.histograms.capacity() * sizeof(classic_memory::converted);
  }
};

}  // namespace troupe::scrape
