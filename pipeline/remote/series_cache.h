// Series of remote-write senders by what names them in a request, so that a known series costs a
// hash: no label is parsed, nothing is allocated. In version 1.0 that is the raw bytes of their
// labels, in 2.0 the texts that their references mean, for other doors a text of their own. Senders
// keep their order: the series that followed the one before in an earlier request is tried first;
// label bytes are not even walked then. Series that arrive together share a page: a series table of
// one shard that the shard knows by its address. Any thread.
#pragma once

#include "pipeline/remote/metadata_cache.h"
#include "pipeline/remote/sequence_hash.h"
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
    uint32_t key_bytes = 0;  ///< of the label fields, or the field of references, in front
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

  /// Gives the labels that a key means, or none for a series that must not be stored.
  using parse_key = std::function<labels(std::string_view key)>;
  /// Version 1.0: finds the end of every item's labels and its place; `parse` is asked for unknown
  /// ones, maybe twice. Returns the pages in order of first use.
  std::vector<page_view> resolve(std::span<item> items, const parse_key& parse);
  /// Version 2.0: keys are references to the texts that have these hashes (of hash_text()). An
  /// item whose references are not in pairs or mean no text gets no place.
  std::vector<page_view> resolve(std::span<item> items, std::span<const hash128> texts,
                                 const parse_key& parse);
  /// Other doors: the message is the key, its first byte is 0.
  std::vector<page_view> resolve_texts(std::span<item> items, const parse_key& parse);
  hash128 hash_text(std::string_view text) const { return xxh3_128(text, settings_.secret); }
  metadata_cache& metadata() { return metadata_; }

  /// Forgets everything if there are more than that: memory is short.
  void forget_beyond(size_t most);
  size_t series_count() const;

 private:
  struct known;
  struct page;
  struct generation;
  struct miss;
  struct added;
  class label_keys;
  class reference_keys;
  class text_keys;

  template <class Keys>
  std::vector<page_view> resolve_by(Keys keys, std::span<item> items, const parse_key& parse);
  template <class Keys>
  bool probe(Keys& keys, std::span<item> items, std::vector<miss>& misses) const;
  void add(std::span<item> items, std::span<added> fresh);
  void begin_round();
  void start_anew();
  std::vector<page_view> view_pages(std::span<item> items) const;

  const settings settings_;
  const clock& clock_;
  const sequence_hash sequences_;
  metadata_cache metadata_;
  mutable std::shared_mutex mutex_;
  // All below are guarded by mutex_ (marks of use and of order are set by readers too,
  // atomically).
  std::unique_ptr<generation> current_, previous_;
  uint64_t rounds_ = 0;  ///< how often the cache started anew
  uint64_t next_page_ = 0;
  int64_t round_began_ns_ = 0;
};

}  // namespace troupe::remote
