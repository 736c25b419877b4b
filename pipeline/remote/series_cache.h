// Series of remote-write senders by the raw bytes of their labels, so that a known series costs a
// hash: no label is parsed, nothing is allocated. Senders keep their order: the series that
// followed the one before in an earlier request is tried first, by the length of its label bytes,
// so that they are not even walked. Series that arrive together share a page: a series table of one
// shard that the shard knows by its address. Any thread.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/hash.h"
#include "storage/model/batch.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::remote {

class series_cache {
 public:
  struct settings {
    std::string tenant;
    uint32_t shards = 1;
    /// Beyond so many series the cache starts anew; what is still sent comes back without being
    /// parsed.
    size_t max_series = 8u << 20;
    /// How often series that are no longer sent are looked for.
    int64_t round_ms = 3600 * 1000;
    uint64_t secret = 0;  ///< keys the hash of label bytes
  };
  static constexpr uint32_t page_series = 512;
  static constexpr uint32_t nowhere = UINT32_MAX;

  /// One TimeSeries of a request. `page` is an index into the answer of resolve(), or nowhere
  /// (refused).
  struct item {
    std::string_view message;
    uint32_t key_bytes = 0;  ///< of the label fields in front
    uint32_t page = nowhere;
    uint32_t position = 0;

    std::string_view key() const { return message.substr(0, key_bytes); }
    std::string_view rest() const { return message.substr(key_bytes); }
  };
  /// What the batches of a request need of a page. `group` names the page for good.
  struct page_view {
    uint64_t group = 0;
    series_table_ptr table;
    size_t items = 0;  ///< so many are in it
  };

  series_cache(settings s, const clock& clk);
  ~series_cache();
  series_cache(const series_cache&) = delete;
  series_cache& operator=(const series_cache&) = delete;

  /// Finds the end of every item's labels and its place; `parse` is asked for the labels of unknown
  /// ones and gives an empty set for those that must not be stored (it may be asked twice for one
  /// item). Returns the pages in order of first use.
  std::vector<page_view> resolve(std::span<item> items,
                                 const std::function<labels(std::string_view key)>& parse);

  /// Forgets everything if there are more than that: memory is short.
  void forget_beyond(size_t most);
  size_t series_count() const;

 private:
  struct known;
  struct page;
  struct generation;
  struct miss;
  struct added;

  hash128 hash(std::string_view key) const { return xxh3_128(key, settings_.secret); }
  bool is(const known& k, std::string_view message) const;
  bool probe(std::span<item> items, std::vector<miss>& misses) const;
  void add(std::span<item> items, std::span<added> fresh);
  void begin_round();
  void start_anew();
  std::vector<page_view> view_pages(std::span<item> items) const;

  const settings settings_;
  const clock& clock_;
  mutable std::shared_mutex mutex_;
  // All below are guarded by mutex_ (marks of use and of order are set by readers too,
  // atomically).
  std::unique_ptr<generation> current_, previous_;
  uint64_t rounds_ = 0;  ///< how often the cache started anew
  uint64_t next_page_ = 0;
  int64_t round_began_ns_ = 0;
};

}  // namespace troupe::remote
